"""What do the services say to each other and to the world? Import everything from here; REGISTRY is then complete."""

from shared.messages.doors import *  # noqa: F403 - one name for the whole language
from shared.messages.log import *  # noqa: F403
from shared.messages.parts import *  # noqa: F403
from shared.messages.registry import REGISTRY as REGISTRY
from shared.messages.registry import Body as Body
from shared.messages.registry import Command as Command
from shared.messages.registry import Fact as Fact
from shared.messages.registry import of_kind as of_kind
