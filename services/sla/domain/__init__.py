"""What must have happened by when, and what if it has not?

`rules` decides, `clocks` counts, `ladder` climbs, `state` folds.
"""

from services.sla.domain.rules import decide as decide
from services.sla.domain.state import SlaState as SlaState
from services.sla.domain.state import evolve as evolve
from services.sla.domain.state import wake_at as wake_at
