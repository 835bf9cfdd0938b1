"""How does the sla service start as a process of its own?"""

from services.sla.app import build
from shared.service import run

if __name__ == "__main__":
    run(build)
