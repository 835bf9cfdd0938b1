"""How is the desk started as a process?"""

from services.desk.app import build
from shared.service import run

if __name__ == "__main__":
    run(build)
