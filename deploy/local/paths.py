"""Where do the project and what it downloads lie?"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
JARS = ROOT / ".parts" / "kafka-4.3.1"
