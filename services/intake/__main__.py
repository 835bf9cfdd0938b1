"""How does the intake service start as a process of its own?"""

from services.intake.app import build
from shared.service import run

if __name__ == "__main__":
    run(build)
