"""How does the triage service start as a process of its own?"""

from services.triage.app import build
from shared.service import run

if __name__ == "__main__":
    run(build)
