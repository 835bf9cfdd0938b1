"""What is the smallest profile that uses every section?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared.calendar import ALWAYS
from shared.deadline import length

if TYPE_CHECKING:
    from shared.profile import Limit

SMALL = """\
name: small
title: {zh: 小城, en: Small}
zone: Asia/Shanghai
grid_code: gbt30428
outline: [[100.0, 30.0], [101.0, 30.0], [101.0, 31.0], [100.0, 31.0]]
levels:
  - {id: grid, zh: 网格, en: Grid}
  - {id: community, zh: 社区, en: Community}
  - {id: street, zh: 街道, en: Street}
  - {id: district, zh: 区, en: District}
units:
  - {id: "100000", level: district, zh: 区, en: District, staff: [{id: d, name: 甲, role: duty}]}
  - {id: "100000001", level: street, parent: "100000", zh: 东街道, en: East, words: [东街道]}
  - {id: "100000002", level: street, parent: "100000", zh: 西街道, en: West, words: [西街道]}
  - id: "100000001001"
    level: community
    parent: "100000001"
    zh: 新村
    en: New Village
    words: [新村, 东新村]
    staff: [{id: c1, name: 乙, role: officer}]
  - {id: "100000002001", level: community, parent: "100000002", zh: 新村, en: New Village, words: [新村]}
  - id: "100000001001001"
    level: grid
    parent: "100000001001"
    zh: 一格
    en: Grid 1
    qr: [QR1]
    area: [100.1, 30.1, 100.2, 30.2]
    staff: [{id: g1, name: 丙, role: worker}]
  - {id: "100000001001002", level: grid, parent: "100000001001", zh: 二格, en: Grid 2, area: [100.2, 30.1, 100.3, 30.2]}
departments:
  - {id: police, topic: police, zh: 公安, en: Police, aliases: [公安局]}
  - {id: water, topic: water, zh: 供水, en: Water}
roads:
  - id: long-road
    zh: 长路
    en: Long Road
    words: [长路]
    grids: ["100000001001001", "100000001001002"]
    chiefs:
      street: {id: r1, name: 丁, role: chief}
majors:
  - {code: "01", zh: 市容, en: Looks}
  - {code: "05", zh: 突发, en: Emergencies}
categories:
  - code: "0101"
    zh: 私搭
    en: Building
    major: "01"
    aliases: [违建]
    conditions:
      - {id: building, zh: 在建, en: being built, limit: 2 urgent_days, severity: III}
      - {id: built, zh: 已建, en: built, limit: 15 work_days}
  - code: "0501"
    zh: 漏水
    en: Leak
    major: "05"
    conditions:
      - {id: leak, zh: 漏水, en: leaking, limit: 1 urgent_hours, severity: II}
routing:
  fallback: street
  start: {I: district, II: street, III: grid, IV: grid}
  rows:
    - {category: "*", condition: leak, lead: water}
    - {category: "01*", lead: police}
    - {category: "0101", lead: {level: grid}, assists: [police]}
    - {category: "0101", condition: built, lead: police, level: community}
    - {category: "01*", place: "100000002", lead: {unit: "100000"}}
    - {category: "0501", ownership: private, lead: {level: community}, assists: [water, water]}
diversions:
  - kind: emergency
    to: "119"
    words: [起火]
    unless: [可能起火]
    attributes: {fire: true}
    sentence: {zh: 拨打119, en: Call 119}
  - {kind: legal-route, to: court, categories: ["0101"], conditions: [built], sentence: {zh: 法院, en: Court}}
severity:
  - {at_least: II, attributes: {injured: true}, words: [受伤]}
clocks:
  warn_share: 0.8
  sign: {I: 15 minutes, II: 30 minutes, III: 4 work_hours, IV: 1 work_days}
ladder:
  steps:
    grid: {I: 1 minutes, II: 2 minutes, III: 3 minutes, IV: 4 minutes}
    community: {I: 1 minutes, II: 2 minutes, III: 3 minutes, IV: 4 minutes}
    street: {I: 1 minutes, II: 2 minutes, III: 3 minutes, IV: 4 minutes}
    district: {I: 1 minutes, II: 2 minutes, III: 3 minutes, IV: 4 minutes}
  repeat: {I: 5 minutes, II: 6 minutes, III: 7 minutes, IV: 8 minutes}
closing:
  verify: {I: person, II: person, III: automatic, IV: automatic}
  verify_by_person: ["05*"]
  verify_within: 4 work_hours
  call_back_within: 1 work_days
  reopen_within: 7 natural_days
  max_reworks: 2
returns: {to_triage: 1, duty_level: street}
"""


def round_the_clock(limit: Limit) -> timedelta:
    """Give a limit's length where every hour counts."""
    return length(datetime(2026, 11, 23, tzinfo=UTC), limit, ALWAYS)
