"""Where did this go? To shared/decider.py."""

from shared.decider import Decider as Decider
from shared.decider import Effect as Effect
from shared.decider import Message as Message
from shared.decider import State as State
from shared.decider import TimerDue as TimerDue
from shared.decider import Turn as Turn
