"""What are intake's rules? What a report must be, what of it may travel, and what the person may see."""

from services.intake.domain.masking import bare_digits as bare_digits
from services.intake.domain.masking import masked as masked
from services.intake.domain.masking import masked_attributes as masked_attributes
from services.intake.domain.masking import masked_json as masked_json
from services.intake.domain.masking import masked_phone as masked_phone
from services.intake.domain.report import Finding as Finding
from services.intake.domain.report import MessageSubmitted as MessageSubmitted
from services.intake.domain.report import findings as findings
from services.intake.domain.report import received as received
from services.intake.domain.report import reported as reported
from services.intake.domain.tracking import EVOLVES as EVOLVES
from services.intake.domain.tracking import Tracked as Tracked
from services.intake.domain.tracking import View as View
from services.intake.domain.tracking import decide as decide
from services.intake.domain.tracking import evolve as evolve
from services.intake.domain.tracking import messages_of as messages_of
from services.intake.domain.tracking import receipts as receipts
from services.intake.domain.tracking import view as view
