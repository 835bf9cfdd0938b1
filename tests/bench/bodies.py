"""What do the reports of the benchmark say? Made up, and all of them decided and closed without a person."""

from __future__ import annotations

import json

SENTENCES = (
    ("0112", "any", "路面有污水和散落的垃圾，已经两天没有人打扫，过往的行人和车辆都不方便，请尽快安排人员处理。"),
    ("9012", "single", "路灯连续几个晚上不亮，老人和小孩出门看不清路，请派人检查线路并恢复照明。"),
    ("0498", "any", "市场里的摊位占用了通道，地上有积水和菜叶，气味很重，希望管理方能够整治。"),
    ("0117", "any", "公园的草地上有很多塑料袋和饮料瓶，孩子在那里玩不安全，请安排清理。"),
    ("0125", "any", "河道里漂着泡沫和垃圾，水的颜色发黑，下游有人取水，请查明来源并处理。"),
    ("0405", "any", "店铺把桌椅摆到人行道上，行人只能走车行道，早晚高峰特别危险。"),
    ("9010", "any", "小车长期停在路口，挡住了转弯的视线，已经发生过几次险情。"),
    ("0184", "any", "有人遛狗不牵绳，孩子被吓哭，草坪上也有粪便没有清理。"),
)
GRIDS = ("511802001001001", "511802001002001", "511802001003002", "511802002001001", "511802002003002")


def bodies() -> list[str]:
    """Give bodies of usual length, from several grids, with a caller whose name and phone intake must keep apart."""
    return [
        json.dumps(
            {
                "channel": "hotline",
                "text": text,
                "category": category,
                "condition": condition,
                "source_reference": f"BENCH-{number:02d}",
                "place": {"grid": GRIDS[number % len(GRIDS)], "address": "示例路十二号对面"},
                "caller": {"name": "示例", "phone": f"000000001{number:02d}"},
                "attachments": [{"url": f"https://example.invalid/{number}.jpg", "media_type": "image/jpeg"}],
            },
            ensure_ascii=False,
        )
        for number, (category, condition, text) in enumerate(
            (category, condition, text) for category, condition, text in SENTENCES for _ in GRIDS[:3]
        )
    ]
