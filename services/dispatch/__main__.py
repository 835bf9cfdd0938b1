"""How does the dispatch service start as a process of its own?"""

from services.dispatch.app import build
from shared.service import run

if __name__ == "__main__":
    run(build)
