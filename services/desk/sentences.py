"""How is each message said to people? One short sentence per message type, in Chinese and in English.

Written when somebody asks, from what the timeline keeps, so that a better sentence needs no new read model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.desk.names import CLOCKS, Names, Pair
from services.desk.timeline import PREFIX
from shared import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHANNELS: Final[dict[str, Pair]] = {
    "hotline": ("热线", "the hotline"),
    "app": ("手机应用", "the app"),
    "qr": ("二维码", "a QR code"),
    "grid": ("网格员", "a grid worker"),
    "patrol": ("巡查", "a patrol"),
    "visit": ("走访", "a visit"),
    "web": ("网站", "the web site"),
    "import": ("导入", "an import"),
    "open311": ("Open311", "Open311"),
}
SAYINGS: Final[dict[str, Pair]] = {
    "follow-up": ("诉求人补充说明", "the caller added"),
    "answer": ("诉求人答复", "the caller answered"),
    "withdrawal": ("诉求人撤回诉求", "the caller withdrew the request"),
    "rating": ("诉求人评价", "the caller rated"),
    "not-solved": ("诉求人反映未解决", "the caller says that it is not solved"),
    "urge": ("诉求人催办", "the caller urges"),
}
DIVERSIONS: Final[dict[str, Pair]] = {
    "emergency": ("紧急事项", "an emergency"),
    "legal-route": ("须走法定途径", "a matter for a legal route"),
    "not-ours": ("不属本平台受理", "not a matter for this loop"),
}
DIVERTED_TO: Final[dict[str, Pair]] = {
    "court": ("法院", "the court"),
    "arbitration": ("仲裁机构", "arbitration"),
    "administrative-review": ("行政复议机关", "administrative review"),
    "petition-office": ("信访部门", "the petition office"),
}
"""As the bundled profiles write them; an emergency number, or another city's word, is shown as it is."""
RETURNS: Final[dict[str, Pair]] = {
    "not-ours": ("不属本单位职责", "not ours"),
    "wrong-place": ("地点有误", "wrong place"),
    "incomplete": ("信息不全", "information is missing"),
    "duplicate": ("重复", "a duplicate"),
}
WITHDRAWALS: Final[dict[str, Pair]] = {
    "attached": ("已挂接至其他工单一并办理", "the ticket was attached to another one"),
    "returned": ("已退单", "it was returned"),
    "reassigned": ("已改派", "it was reassigned"),
    "merged": ("已并单", "the ticket was merged"),
    "withdrawn-by-caller": ("诉求人已撤回", "the caller withdrew the request"),
    "expired": ("已过期", "it expired"),
    "diverted": ("已转办", "the ticket was diverted"),
    "lead-done": ("主办已办结", "the lead has finished"),
    "removed": ("已撤销协办", "it need not assist any more"),
    "whistle-over": ("吹哨已结束", "the whistle is over"),
    "rejected": ("不予受理", "it is not a matter"),
}
OUTCOMES: Final[dict[str, Pair]] = {
    "solved": ("已解决", "solved"),
    "informed": ("告知性结案", "the caller was informed"),
    "withdrawn": ("诉求人撤回", "withdrawn by the caller"),
    "diverted": ("已转办", "diverted"),
    "forced": ("强制结案", "closed without the usual way"),
    "unsolved": ("未解决", "not solved"),
    "self-settled": ("自治化解", "settled by the residents themselves"),
    "merged": ("并单", "merged with another ticket"),
    "rejected": ("不予受理", "not a matter"),
}
CALL_CHANNELS: Final[dict[str, Pair]] = {
    "phone": ("电话", " by phone"),
    "sms": ("短信", " by text message"),
    "app": ("应用", " in the app"),
    "in-person": ("上门", " at the door"),
}
MISSING: Final[dict[str, Pair]] = {
    "category": ("类别", "category"),
    "condition": ("立案条件", "filing condition"),
    "place": ("地点", "place"),
    "lead": ("承办单位", "lead handler"),
}
REVISIONS: Final[dict[str, Pair]] = {
    "suspend": ("挂账", "to suspend the order"),
    "resume": ("解挂", "to resume the order"),
    "extend": ("延期", "for more time"),
}
DECISIONS: Final[dict[str, Pair]] = {
    "granted": ("同意", "granted"),
    "refused": ("不同意", "refused"),
    "lapsed": ("未经审批，已失效", "lapsed without a decision"),
}
MOVES: Final[dict[str, Pair]] = {
    "resumed": ("恢复计时", "it goes on after a pause"),
    "answered": ("等待诉求人补充结束", "the caller is waited for no longer"),
    "extended": ("延期", "it was extended"),
    "calendar": ("工作日历变更", "the calendar has changed"),
    "policy": ("规则变更", "the rules have changed"),
    "edited": ("工单信息变更", "the ticket was corrected"),
}
CLOCK_ENDS: Final[dict[str, Pair]] = {
    "met": ("按时完成", "met in time"),
    "late": ("超时完成", "ended late"),
    "cancelled": ("取消", "cancelled"),
}
SIZES: Final[dict[str, Pair]] = {
    "small": ("小事", "a small matter"),
    "big": ("大事", "a big matter"),
}
ROLES: Final[dict[str, Pair]] = {
    "lead": ("主办", "lead"),
    "assist": ("协办", "assisting"),
    "whistle": ("吹哨", "whistle"),
}


def sentence(kind: str, data: Mapping[str, Any], names: Names) -> m.Words:
    """Give the sentence of a timeline entry; `kind` is its wire type, with or without the common prefix."""
    write = SENTENCES.get(kind.removeprefix(PREFIX))
    zh, en = write(data, names) if write else (kind, kind)
    return m.Words(zh=_closed(zh, "。"), en=_closed(en[:1].upper() + en[1:], "."))


def _closed(text: str, stop: str) -> str:
    return text if text.endswith((".", "。", "!", "！", "?", "？", "…")) else text + stop


def _pair(table: Mapping[str, Pair], word: str | None) -> Pair:
    return table.get(word or "", (word or "?", word or "?"))


def _because(data: Mapping[str, Any], *fields: str) -> Pair:
    """Give the free text of the first of `fields` that holds one, to stand behind the sentence."""
    text = next((str(data[name]) for name in fields if data.get(name)), "")
    return (f"：{text}", f": {text}") if text else ("", "")


def _words(detail: Any) -> Pair:
    return (
        (str(detail["zh"]), str(detail["en"])) if isinstance(detail, dict) else (str(detail or ""), str(detail or ""))
    )


def _by(data: Mapping[str, Any], names: Names) -> Pair:
    """Give who asks for something: the department where it came from one, else the person."""
    if data.get("department"):
        return names.department(data["department"])
    return names.who(data.get("by"))


# ---------------------------------------------------------------- intake, triage


def _reported(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (what_zh, what_en) = _pair(CHANNELS, d.get("channel")), ("诉求", "a report")
    if d.get("request"):
        what_zh, what_en = n.request(d["request"])
    return f"受理了来自{zh}的{what_zh}", f"{what_en} was taken from {en}"


def _message(d: Mapping[str, Any], _n: Names) -> Pair:
    zh, en = _pair(SAYINGS, d.get("message_kind"))
    more_zh, more_en = _because(d, "text")
    if d.get("rating") is not None:
        zh, en = f"{zh} {d['rating']} 分", f"{en} {d['rating']} of 5"
    return zh + more_zh, en + more_en


def _triaged(d: Mapping[str, Any], n: Names) -> Pair:
    category = d.get("category") or {}
    zh, en = n.category(category.get("code", "?"), category.get("name", ""))
    (lead_zh, lead_en), (by_zh, by_en) = n.handler(d.get("lead")), n.who(d.get("by") or "gridcall")
    grave, helpers = d.get("severity", "?"), [n.staff(str(each)) for each in d.get("helpers", ())]
    help_zh = f"，专人 {'、'.join(zh for zh, _ in helpers)}" if helpers else ""
    help_en = f"; named helpers: {', '.join(en for _, en in helpers)}" if helpers else ""
    named = [_pair(SIZES, d["size"])] if d.get("size") else []
    named += [n.mode(str(d["mode"]))] if d.get("mode") else []
    so_zh, so_en = "".join(f"，{zh}" for zh, _ in named), "".join(f", {en}" for _, en in named)
    if d.get("assists"):
        assists_zh, assists_en = _handlers(d["assists"], n)
        lead_zh, lead_en = f"{lead_zh} 主办、{assists_zh} 协办", f"{lead_en}, {assists_en} assisting"
    else:
        lead_zh = f"{lead_zh} 主办"
    return (
        f"{by_zh}预审：{zh}，{grave} 级{so_zh}，由 {lead_zh}{help_zh}",
        f"{by_en} triaged it: {en}, severity {grave}{so_en}, led by {lead_en}{help_en}",
    )


def _triage_needed(d: Mapping[str, Any], n: Names) -> Pair:
    parts = [_pair(MISSING, word) for word in d.get("missing", ())]
    zh, en = "、".join(p[0] for p in parts) or "?", ", ".join(p[1] for p in parts) or "?"
    unit_zh, unit_en = n.unit(d.get("unit"))
    return f"待 {unit_zh} 人工预审，缺：{zh}", f"it waits for a person at {unit_en} to triage it; missing: {en}"


def _diverted(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), (why_zh, why_en) = _pair(DIVERSIONS, d.get("diversion")), _words(d.get("detail"))
    to_zh, to_en = _pair(DIVERTED_TO, d.get("to"))
    return f"转办 {to_zh}（{zh}）：{why_zh}", f"diverted to {to_en} as {en}: {why_en}"


def _triage(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "note")
    return f"{zh} 提交人工预审{more_zh}", f"{en} asked to triage it{more_en}"


def _divert(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en), (to_zh, to_en) = _by(d, n), _because(d, "detail"), _pair(DIVERTED_TO, d.get("to"))
    return f"{zh} 请求转办 {to_zh}{more_zh}", f"{en} asked to divert it to {to_en}{more_en}"


# ---------------------------------------------------------------- dispatch


def _issued(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (role_zh, role_en) = n.handler(d.get("handler")), _pair(ROLES, d.get("role", "lead"))
    sign, handle = n.instant(d.get("sign_by")), n.instant(d.get("handle_by"))
    if d.get("tier") == "small":
        role_zh, role_en = "小事先办", "a small matter first"
    if d.get("role") == "whistle":
        return f"吹哨派单给 {zh}，{sign} 前到现场报到", f"{en} was whistled for, to check in by {sign}"
    if d.get("tier") == "settlement":
        return f"先由 {zh} 自治化解，{handle} 前完成", f"{en} may settle it first, until {handle}"
    stage_zh, stage_en = _stage(d, n)
    final_zh, final_en = ("，不得再退", ", without return") if d.get("returnable") is False else ("", "")
    by_zh, by_en = ("", "")
    if d.get("by", "gridcall") != "gridcall":
        who_zh, who_en = n.who(d["by"])
        by_zh, by_en = f"{who_zh} ", f" from {who_en}"
    return (
        f"{stage_zh}{by_zh}派单给 {zh}（{role_zh}），{sign} 前签收，{handle} 前办结{final_zh}",
        f"{stage_en}an order went{by_en} to {en} ({role_en}), to be signed by {sign} and done by {handle}{final_en}",
    )


def _actor(d: Mapping[str, Any], n: Names) -> Pair:
    """Give whose order it is, and who of them it was where they said so."""
    by = str(d.get("by") or "")
    if not d.get("handler"):
        return n.who(by)
    zh, en = n.handler(d["handler"])
    if by in {"", "gridcall"} or d["handler"].endswith(f":{by}"):
        return zh, en
    return f"{zh}（{n.who(by)[0]}）", f"{en} ({n.who(by)[1]})"


def _stage(d: Mapping[str, Any], n: Names) -> Pair:
    """Give which stage of how many, to stand before a sentence; nothing for a ticket without any."""
    stage = d.get("stage")
    if not stage:
        return "", ""
    (zh, en), number, of = _words(stage.get("name")), stage.get("number", "?"), stage.get("of", "?")
    until = n.instant(stage["not_before"]) if stage.get("not_before") else ""
    zh, en = (f"{zh}，公示至 {until}", f"{en}, public until {until}") if until else (zh, en)
    return f"第 {number}/{of} 步（{zh}）：", f"stage {number} of {of} ({en}): "


def _sums(d: Mapping[str, Any]) -> Pair:
    """Give the sum that was said, beside what was planned, to stand behind a sentence."""
    amount, budget = d.get("amount"), d.get("budget")
    if amount is None:
        return "", ""
    if budget is None:
        return f"，金额 {amount}", f", sum {amount}"
    less = budget - amount
    zh, en = (f"节约 {less}", f"{less} saved") if less >= 0 else (f"超支 {-less}", f"{-less} over")
    return f"，决算 {amount}（预算 {budget}，{zh}）", f", cost {amount} of a budget of {budget}, {en}"


def _stage_completed(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _actor(d, n), _because(d, "detail", "result")
    (stage_zh, stage_en), (sum_zh, sum_en) = _at_stage(d), _sums(d)
    return f"{zh} 完成{stage_zh}{sum_zh}{more_zh}", f"{en} has finished {stage_en}{sum_en}{more_en}"


def _at_stage(d: Mapping[str, Any]) -> Pair:
    stage = d.get("stage") or {}
    (zh, en), number, of = _words(stage.get("name")), stage.get("number", "?"), stage.get("of", "?")
    return f"第 {number}/{of} 步（{zh}）", f"stage {number} of {of} ({en})"


def _stage_failed(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (who_zh, who_en) = _at_stage(d), n.who(d.get("by"))
    more_zh, more_en = _because(d, "reason")
    back = d.get("back_to")
    if back is not None:
        return (
            f"{who_zh}：{zh}未通过（第 {d.get('times', 1)} 次），回到第 {back} 步{more_zh}",
            f"{who_en}: {en} failed, time {d.get('times', 1)}, and it goes back to stage {back}{more_en}",
        )
    end_zh, end_en = _pair(OUTCOMES, d.get("outcome"))
    to_zh, to_en = (f"（{d['to']}）", f" to {d['to']}") if d.get("to") else ("", "")
    return (
        f"{who_zh}：{zh}未通过，工单以“{end_zh}”{to_zh}结案{more_zh}",
        f"{who_en}: {en} failed, and the ticket is to be closed as {end_en}{to_en}{more_en}",
    )


VOTES: Final[dict[str, Pair]] = {
    "passed": ("通过", "passed"),
    "not-passed": ("未通过", "not passed"),
    "no-quorum": ("参会人数不足，须重新表决", "too few took part, to be held again"),
}


def _voted(d: Mapping[str, Any], n: Names) -> Pair:
    """Say the arithmetic: `25 of 37 needed, 24 yes: not passed`."""
    (zh, en), (is_zh, is_en), (by_zh, by_en) = _at_stage(d), _pair(VOTES, d.get("result")), n.who(d.get("by"))
    yes, no, abstain, least = d.get("yes", 0), d.get("no", 0), d.get("abstain", 0), d.get("needed", "?")
    total = yes + no + abstain if d.get("of") == "voters" else d.get("electorate", "?")
    quorum, (more_zh, more_en) = d.get("quorum"), _because(d, "note")
    must_zh, must_en = (f"，须到 {quorum} 人", f", {quorum} must take part") if quorum else ("", "")
    count_zh = f"赞成 {yes}、反对 {no}、弃权 {abstain}"
    count_en = f"{yes} yes, {no} no, {abstain} abstained"
    return (
        f"{by_zh} 计票，{zh}：{total} 人须 {least} 票赞成，{count_zh}{must_zh}，{is_zh}{more_zh}",
        f"{by_en} counted the votes on {en}: {least} of {total} needed, {count_en}{must_en}: {is_en}{more_en}",
    )


def _record_vote(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), yes, no, abstain = _by(d, n), d.get("yes", 0), d.get("no", 0), d.get("abstain", 0)
    return (
        f"{zh} 登记计票：赞成 {yes}、反对 {no}、弃权 {abstain}",
        f"{en} handed in a count: {yes} yes, {no} no, {abstain} abstained",
    )


def _fail_stage(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "reason")
    return f"{zh} 上报本步骤未通过{more_zh}", f"{en} reported that the stage has come to nothing{more_en}"


def _signed(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _actor(d, n), _because(d, "note")
    return f"{zh} 签收了工单{more_zh}", f"{en} signed for the order{more_en}"


def _progressed(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _actor(d, n), _because(d, "note")
    if d.get("whistle_score") is not None:
        score = d["whistle_score"]
        return f"{zh} 评价吹哨 {score} 分{more_zh}", f"{en} gave the whistle {score} of 5{more_en}"
    if d.get("progress") == "check-in":
        return f"{zh} 已到现场报到{more_zh}", f"{en} is on the spot{more_en}"
    if d.get("progress") == "contact":
        return f"{zh} 已联系诉求人{more_zh}", f"{en} has spoken with the caller{more_en}"
    return f"{zh} 反馈进展{more_zh}", f"{en} said how it stands{more_en}"


GOES_TO: Final[dict[str, Pair]] = {
    "triage": ("重新预审", "triage"),
    "duty-officer": ("值班长裁定", "the duty officer"),
    "lead": ("主办单位", "the lead"),
    "next": ("下一承办单位", "whoever is next"),
}


def _returned(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (why_zh, why_en) = n.handler(d.get("handler")), _pair(RETURNS, d.get("reason"))
    more_zh, more_en = _because(d, "detail")
    to_zh, to_en = _pair(GOES_TO, d.get("goes_to"))
    times, counts = d.get("returns", 1), d.get("goes_to") not in {"lead", "next"}
    nth_zh, nth_en = (f"，第 {times} 次", f", return number {times}") if counts else ("", "")
    return (
        f"{zh} 退单（{why_zh}{more_zh}）{nth_zh}，转{to_zh}",
        f"{en} returned the order ({why_en}{more_en}){nth_en}; it goes to {to_en}",
    )


def _adjudication(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = n.unit(d.get("unit"))
    return (
        f"已退单 {d.get('returns', '?')} 次，由 {zh} 值班长裁定承办单位，不得再退",
        f"returned {d.get('returns', '?')} times: the duty officer of {en} decides who handles it, without return",
    )


def _withdrawn(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (why_zh, why_en) = n.handler(d.get("handler")), _pair(WITHDRAWALS, d.get("reason"))
    if d.get("reason") == "whistle-over":
        return f"吹哨结束，{zh} 无须再到场", f"the whistle is over: {en} need do nothing more"
    return f"撤回 {zh} 的工单（{why_zh}）", f"the order of {en} was withdrawn: {why_en}"


def _done(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _actor(d, n), _because(d, "detail", "result")
    sum_zh, sum_en = _sums(d)
    return f"{zh} 办结{sum_zh}{more_zh}", f"{en} says that it is done{sum_en}{more_en}"


def _reworked(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = n.handler(d.get("handler")), _because(d, "reason")
    by = n.instant(d.get("handle_by"))
    return f"{zh} 返工，{by} 前办结{more_zh}", f"{en} does it again, by {by}{more_en}"


def _sign(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = _by(d, n)
    return f"{zh} 请求签收", f"{en} asked to sign for the order"


def _return(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (why_zh, why_en) = _by(d, n), _pair(RETURNS, d.get("reason"))
    return f"{zh} 请求退单（{why_zh}）", f"{en} asked to return the order: {why_en}"


def _progress(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = _by(d, n)
    if d.get("progress") == "check-in":
        return f"{zh} 上报到场", f"{en} reported to be on the spot"
    if d.get("progress") == "contact":
        return f"{zh} 上报已联系诉求人", f"{en} reported to have spoken with the caller"
    return f"{zh} 上报进展", f"{en} sent a note on how it stands"


def _complete(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = _by(d, n)
    return f"{zh} 上报办结", f"{en} reported the order done"


def _revise(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (what_zh, what_en) = _by(d, n), _wanted(d, n)
    more_zh, more_en = _reason(d, n)
    return f"{zh} 申请{what_zh}{more_zh}", f"{en} asked {what_en}{more_en}"


def _wanted(d: Mapping[str, Any], n: Names) -> Pair:
    """Give what is asked for, and until when."""
    zh, en = _pair(REVISIONS, d.get("revision"))
    until = n.instant(d["until"]) if d.get("until") else ""
    return (f"{zh}至 {until}", f"{en} until {until}") if until else (zh, en)


def _reason(d: Mapping[str, Any], n: Names) -> Pair:
    """Give the reason, of the profile's list or in words of one's own, to stand behind what is asked for."""
    if not d.get("reason"):
        return "", ""
    zh, en = n.reason(d["reason"])
    return f"（{zh}）", f" ({en})"


def _revision_asked(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (what_zh, what_en), (why_zh, why_en) = n.handler(d.get("handler")), _wanted(d, n), _reason(d, n)
    (unit_zh, unit_en), by, (more_zh, more_en) = (
        n.unit(d.get("unit")),
        n.instant(d.get("decide_by")),
        _because(d, "detail"),
    )
    return (
        f"{zh} 申请{what_zh}{why_zh}，待 {unit_zh} 在 {by} 前审批{more_zh}",
        f"{en} asks {what_en}{why_en}; {unit_en} is to decide by {by}{more_en}",
    )


def _revision_decided(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (does_zh, does_en) = n.who(d.get("by")), _pair(DECISIONS, d.get("decision"))
    what_zh, what_en = {"suspend": ("挂账", "the suspension"), "extend": ("延期", "the extension")}.get(
        d.get("revision", ""), ("申请", "what was asked for")
    )
    more_zh, more_en = _because(d, "note")
    if d.get("decision") == "lapsed":
        return f"{what_zh}申请{does_zh}{more_zh}", f"{what_en} {does_en}{more_en}"
    return f"{zh} {does_zh}{what_zh}{more_zh}", f"{en} {does_en} {what_en}{more_en}"


def _suspended(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (why_zh, why_en), (more_zh, more_en) = n.handler(d.get("handler")), _reason(d, n), _because(d, "detail")
    until, (by_zh, by_en) = n.instant(d.get("until")), n.who(d.get("approved_by"))
    return (
        f"{zh} 的工单挂账至 {until}{why_zh}，{by_zh} 批准{more_zh}",
        f"the order of {en} is suspended until {until}{why_en}, granted by {by_en}{more_en}",
    )


def _resumed(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), handle_by = n.handler(d.get("handler")), n.instant(d.get("handle_by"))
    if d.get("why") == "over":
        return f"{zh} 的工单已结束，挂账随之结束", f"the order of {en} is over, and its suspension with it"
    by_zh, by_en = n.who(d.get("by"))
    first_zh, first_en = (
        (f"{by_zh} 解挂", f"{by_en} resumed") if d.get("why") == "asked" else ("挂账到期，恢复", "time resumed")
    )
    return (
        f"{first_zh} {zh} 的工单，{handle_by} 前办结",
        f"{first_en} the order of {en}, to be done by {handle_by}",
    )


def _extended(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (why_zh, why_en), (by_zh, by_en) = n.handler(d.get("handler")), _reason(d, n), n.who(d.get("approved_by"))
    old, new, times = n.instant(d.get("old")), n.instant(d.get("handle_by")), d.get("times", 1)
    if d.get("reason") == "promised":
        return f"{by_zh} 承诺 {new} 前办结（原时限 {old}）", f"{by_en} promised it by {new} (the limit was {old})"
    return (
        f"{zh} 的办结时限由 {old} 延至 {new}{why_zh}，第 {times} 次延期，{by_zh} 批准",
        f"{en} has until {new} instead of {old}{why_en}: extension number {times}, granted by {by_en}",
    )


def _decide(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "note")
    if d.get("granted"):
        return f"{zh} 审批：同意{more_zh}", f"{en} decided to grant what was asked for{more_en}"
    return f"{zh} 审批：不同意{more_zh}", f"{en} decided to refuse what was asked for{more_en}"


CALLS: Final[dict[str, Pair]] = {
    "called": ("无法在本级解决，呼叫", "cannot settle it and calls"),
    "returned": ("退回，转交", "gives it back; next is"),
    "expired": ("到期未化解，转交", "has not settled it in time; next is"),
}


def _handlers(found: Any, n: Names) -> Pair:
    """Give several handlers in one breath."""
    named = [n.handler(each) for each in found or ()]
    return "、".join(zh for zh, _ in named) or "无", ", ".join(en for _, en in named) or "nobody"


ITEMS: Final[dict[str, Pair]] = {
    "open": ("待处理", "open"),
    "settled": ("已当场办结", "settled"),
    "explained": ("已解释", "explained"),
    "ticket": ("已转为工单", "a ticket with a promised date"),
}


def _settled(d: Mapping[str, Any], _n: Names) -> Pair:
    more_zh, more_en = _because(d, "answer")
    if d.get("outcome") == "informed":
        return f"已当场解释{more_zh}", f"it was explained on the spot{more_en}"
    return f"已当场办结{more_zh}", f"it was settled on the spot{more_en}"


def _item(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), item = _pair(ITEMS, d.get("outcome")), d.get("item", "?")
    by = n.instant(d["promised_by"]) if d.get("promised_by") else ""
    more_zh, more_en = _because(d, "note")
    zh, en = (f"{zh}，承诺 {by} 前办结", f"{en}: {by}") if by else (zh, en)
    return f"走访诉求 {item}：{zh}{more_zh}", f"item {item} of the visit: {en}{more_en}"


def _settle_item(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), item = _by(d, n), d.get("item", "?")
    return f"{zh} 请求销号诉求 {item}", f"{en} asked to settle item {item}"


def _follow_visit(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), visit, (more_zh, more_en) = _pair(ITEMS, d.get("outcome")), d.get("visit", "?"), _because(d, "note")
    by = n.instant(d["promised_by"]) if d.get("promised_by") else ""
    zh, en = (f"{zh}，承诺 {by} 前办结", f"{en}: {by}") if by else (zh, en)
    return f"走访 {visit}：{zh}{more_zh}", f"the visit {visit}: {en}{more_en}"


def _add_item(d: Mapping[str, Any], _n: Names) -> Pair:
    item = d.get("item", "?")
    return f"诉求 {item} 来自本次走访", f"report {item} was made at this visit"


def _round(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (to_zh, to_en), at = n.unit(d.get("unit")), n.handler(d.get("proposed")), n.instant(d.get("closes_at"))
    return (
        f"列入 {zh} 集中派单批次，{at} 截止，建议由 {to_zh} 承办",
        f"it waits for the round of {en} that closes at {at}; {to_en} is proposed",
    )


def _release(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "note")
    return f"{zh} 请求按建议派单{more_zh}", f"{en} asked to dispatch it as proposed{more_en}"


def _ticket_called(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (to_zh, to_en), (why_zh, why_en) = (
        n.handler(d.get("handler")), n.handler(d.get("to")), _pair(CALLS, d.get("why")),
    )  # fmt: skip
    more_zh, more_en = _because(d, "reason")
    if d.get("reason") in RETURNS:
        because_zh, because_en = RETURNS[d["reason"]]
        more_zh, more_en = f"（{because_zh}）", f" ({because_en})"
    return f"{zh} {why_zh} {to_zh}{more_zh}", f"{en} {why_en} {to_en}{more_en}"


def _call(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "reason")
    return f"{zh} 请求呼叫上一级{more_zh}", f"{en} called for help{more_en}"


def _add_assist(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (to_zh, to_en), (more_zh, more_en) = _by(d, n), n.handler(d.get("to")), _because(d, "reason")
    return f"{zh} 请 {to_zh} 协办{more_zh}", f"{en} asked {to_en} to assist{more_en}"


def _remove_assist(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "reason")
    return f"{zh} 请求撤销协办{more_zh}", f"{en} asked that an assist need do nothing more{more_en}"


def _excuse_assist(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "reason")
    return f"{zh} 请求确认协办超期{more_zh}", f"{en} asked that the lead may finish without an assist{more_en}"


def _excused(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (by_zh, by_en), (more_zh, more_en) = (
        n.handler(d.get("handler")),
        n.who(d.get("by")),
        _because(d, "reason"),
    )
    return f"{by_zh} 确认 {zh} 协办超期，主办可先办结{more_zh}", f"{by_en} confirmed that {en} is late{more_en}"


def _whistle(d: Mapping[str, Any], n: Names) -> Pair:
    (unit_zh, unit_en), (zh, en), by = (
        n.unit(d.get("unit")),
        _handlers(d.get("called"), n),
        n.instant(d.get("arrive_by")),
    )
    (what_zh, what_en), (more_zh, more_en) = n.situation(d.get("situation")), _because(d, "reason")
    copy = [n.staff(str(each)) for each in d.get("told", ())]
    copy_zh = f"，抄送 {'、'.join(zh for zh, _ in copy)}" if copy else ""
    copy_en = f", with a copy to {', '.join(en for _, en in copy)}" if copy else ""
    return (
        f"{unit_zh} 吹哨（{what_zh}），请 {zh} 在 {by} 前到现场报到{copy_zh}{more_zh}",
        f"{unit_en} whistled for {en} ({what_en}), to check in by {by}{copy_en}{more_en}",
    )


def _widened(d: Mapping[str, Any], n: Names) -> Pair:
    (miss_zh, miss_en), (zh, en) = _handlers(d.get("missing"), n), _handlers(d.get("called"), n)
    if not d.get("called"):
        return f"未按时报到：{miss_zh}，已无可再呼叫的单位", f"not checked in: {miss_en}; nobody is left to call"
    by = n.instant(d.get("arrive_by"))
    return f"未按时报到：{miss_zh}；再呼叫 {zh}，{by} 前报到", f"not checked in: {miss_en}; {en} called too, until {by}"


def _answered(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = _handlers(d.get("came"), n)
    return f"吹哨已报到：{zh}", f"enough have checked in: {en}"


def _whistle_ended(d: Mapping[str, Any], n: Names) -> Pair:
    (by_zh, by_en), (came_zh, came_en) = n.who(d.get("by")), _handlers(d.get("came"), n)
    parts = [(f"报到：{came_zh}", f"came: {came_en}")]
    for field, word_zh, word_en in (("late", "其中迟到", "late"), ("missing", "未到", "missing")):
        if d.get(field):
            zh, en = _handlers(d[field], n)
            parts.append((f"{word_zh}：{zh}", f"{word_en}: {en}"))
    for field, word_zh, word_en in (("marks", "报到质量", "marks"), ("quality", "吹哨质量", "the whistle")):
        if d.get(field):
            zh, en = _marks(d[field], n)
            parts.append((f"{word_zh}：{zh}", f"{word_en}: {en}"))
    said = d.get("result", "")
    over = (f"{by_zh} 结束吹哨：{said}", f"{by_en} ended the whistle: {said}")
    zh, en = over if said else ("吹哨随工单结束", "The whistle ended with the ticket")
    return f"{zh}（{'；'.join(part for part, _ in parts)}）", f"{en} ({'; '.join(part for _, part in parts)})"


def _marks(marks: Any, n: Names) -> Pair:
    """Give the marks, 1 to 5, with whom or by whom."""
    named = [(n.handler(each.get("handler")), each.get("score", "?")) for each in marks]
    return "、".join(f"{zh} {score} 分" for (zh, _), score in named), ", ".join(
        f"{en} {score} of 5" for (_, en), score in named
    )


def _raise_whistle(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (what_zh, what_en), (more_zh, more_en) = _by(d, n), n.situation(d.get("situation")), _because(d, "reason")
    return f"{zh} 请求吹哨（{what_zh}）{more_zh}", f"{en} asked to whistle ({what_en}){more_en}"


def _end_whistle(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "result")
    return f"{zh} 请求结束吹哨{more_zh}", f"{en} asked to end the whistle{more_en}"


def _assign(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (to_zh, to_en), (more_zh, more_en) = _by(d, n), n.handler(d.get("to")), _because(d, "reason")
    return f"{zh} 请求改派 {to_zh}{more_zh}", f"{en} asked to give it to {to_en}{more_en}"


def _amended(d: Mapping[str, Any], n: Names) -> Pair:
    """Say what is different from before, and how long the handling has now."""
    pairs = {"类别": ("category", _filed), "严重程度": ("severity", _grave), "地点": ("place", _placed)}
    (by_zh, by_en), (more_zh, more_en) = n.who(d.get("by")), _because(d, "reason")
    zh, en = [], []
    for name, (field, said) in pairs.items():
        old, new = d.get(f"old_{field}"), d.get(field)
        if old != new:
            (old_zh, old_en), (new_zh, new_en) = said(old, n), said(new, n)
            zh.append(f"{name}由 {old_zh} 改为 {new_zh}")
            en.append(f"{field} {new_en} instead of {old_en}")
    if d.get("handle_limit"):
        limit_zh, limit_en = n.span(m.Span(**d["handle_limit"]))
        zh.append(f"处置时限 {limit_zh}")
        en.append(f"handling has {limit_en}")
    return f"{by_zh} 修改工单，{'，'.join(zh)}{more_zh}", f"{by_en} corrected it: {', '.join(en)}{more_en}"


def _filed(category: Any, n: Names) -> Pair:
    code, condition = (category or {}).get("code", "?"), (category or {}).get("condition", "")
    (zh, en), (on_zh, on_en) = n.category(code, (category or {}).get("name", "")), n.condition(code, condition)
    return (f"{zh}（{on_zh}）", f"{en} ({on_en})") if condition else (zh, en)


def _grave(severity: Any, _n: Names) -> Pair:
    return f"{severity} 级", f"{severity}"


def _placed(unit: Any, n: Names) -> Pair:
    return n.unit(unit)


def _amend(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "reason")
    return f"{zh} 请求修改工单{more_zh}", f"{en} asked to correct it{more_en}"


# ---------------------------------------------------------------- closure


def _verification(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = n.unit(d.get("unit"))
    if d.get("sampled"):
        return f"抽中核查，待 {zh} 核实办理结果", f"drawn for a check: {en} is to look whether it is really done"
    return f"待 {zh} 核实办理结果", f"{en} is to look whether it is really done"


def _verified(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = n.who(d.get("by") or "gridcall"), _because(d, "note")
    if d.get("mode") == "automatic":
        return f"系统核实通过{more_zh}", f"what was done stands, by the record of the work{more_en}"
    return f"{zh} 核实通过{more_zh}", f"{en} looked at it: what was done stands{more_en}"


def _rework(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = n.who(d.get("by") or "gridcall"), _because(d, "reason")
    times = d.get("reworks", 1)
    up_zh, up_en = ("，并提级", " and takes it a level up") if d.get("level_up") else ("", "")
    return f"{zh} 要求返工（第 {times} 次）{up_zh}{more_zh}", f"{en} ordered rework number {times}{up_en}{more_en}"


def _suggested(d: Mapping[str, Any], n: Names) -> Pair:
    category = d.get("category") or {}
    (zh, en), (from_zh, from_en), (to_zh, to_en) = (
        n.category(category.get("code", "?"), category.get("name", "")),
        n.handler(d.get("chosen")),
        n.handler(d.get("handler")),
    )
    return (
        f"派单规则建议：{zh} 原派 {from_zh}（退单），实由 {to_zh} 办结",
        f"a change of the matrix is suggested: {en} went to {from_en}, who returned it, and {to_en} has done it",
    )


def _call_back_asked(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = n.unit(d.get("unit"))
    return f"待 {zh} 回访诉求人", f"{en} is to call the person back"


def _called_back(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = n.who(d.get("by")), _because(d, "note")
    how_zh, how_en = _pair(CALL_CHANNELS, d["channel"]) if d.get("channel") else ("", "")
    if d.get("reached") is False:
        nth_zh = f"第 {d['attempt']} 次" if d.get("attempt") else ""
        nth_en = f", try {d['attempt']}" if d.get("attempt") else ""
        missed = f"{en} could not reach the person{how_en}{nth_en}"
        return f"{zh} {nth_zh}{how_zh}回访未联系上诉求人{more_zh}", f"{missed}{more_en}"
    said_zh, said_en = ("已解决", "solved") if d.get("solved") else ("已回访", "called back")
    if d.get("solved") is False:
        said_zh, said_en = "未解决", "not solved"
    rating = d.get("rating")
    rated_zh, rated_en = ("", "") if rating is None else (f"，评价 {rating} 分", f", rated {rating} of 5")
    asked = f"{zh} {how_zh}回访", f"{en} asked the person{how_en}"
    zh, en = (f"{zh}答复", f"{en} answered") if d.get("by") == "caller" else asked
    return f"{zh}：{said_zh}{rated_zh}{more_zh}", f"{en}: {said_en}{rated_en}{more_en}"


def _closed_ticket(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _pair(OUTCOMES, d.get("outcome")), _because(d, "result")
    return f"结案（{zh}）{more_zh}", f"closed, {en}{more_en}"


def _reopened(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = n.who(d.get("by")), _because(d, "reason")
    times = d.get("reopenings", 1)
    return f"{zh} 重办（第 {times} 次）{more_zh}", f"{en} reopened it, time {times}{more_en}"


def _points(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = n.handler(d.get("account"))
    rule_zh, rule_en = n.points_rule(d.get("rule", ""))
    points = int(d.get("points", 0))
    if points < 0:
        return f"收回{zh}积分 {-points} 分（{rule_zh}）", f"{-points} points of {en} are taken back ({rule_en})"
    return f"{zh}获得积分 {points} 分（{rule_zh}）", f"{en} earned {points} points ({rule_en})"


def _verify(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "note")
    if d.get("passed"):
        return f"{zh} 提交核实：通过{more_zh}", f"{en} says that what was done stands{more_en}"
    return f"{zh} 提交核实：不通过{more_zh}", f"{en} says that it is not good enough{more_en}"


def _record_call_back(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = _by(d, n)
    return f"{zh} 登记回访结果", f"{en} recorded the call-back"


def _close(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (what_zh, what_en), (more_zh, more_en) = (
        _by(d, n),
        _pair(OUTCOMES, d.get("outcome", "forced")),
        _because(d, "reason"),
    )
    return f"{zh} 请求结案（{what_zh}）{more_zh}", f"{en} asked to close it ({what_en}){more_en}"


def _reopen(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "reason")
    return f"{zh} 请求重办{more_zh}", f"{en} asked to reopen it{more_en}"


# ---------------------------------------------------------------- families of tickets

RELATIONS: Final[dict[str, Pair]] = {
    "duplicate": ("并入", "be merged into"),
    "child": ("挂接至", "be attached to"),
}
LET_GO: Final[dict[str, Pair]] = {
    "unmerged": ("已拆单", "it is another matter"),
    "detached": ("已解除挂接", "it was detached"),
    "closed": ("已自行结案", "it was closed by itself"),
    "reopened": ("已单独重办", "it was reopened alone"),
    "refused": ("未能并入或挂接", "it could not come"),
    "withdrawn": ("主单已撤回", "what it was a part of was withdrawn"),
}
NEWS: Final[dict[str, Pair]] = {
    "resolved": ("已办结", "is done, says the handler"),
    "rework": ("返工", "is done again"),
    "closed": ("已结案", "is closed"),
    "reopened": ("已重办", "is open again"),
    "withdrawn": ("已撤回", "was withdrawn"),
}


def _family_asked(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (to_zh, to_en), (more_zh, more_en) = (
        n.who(d.get("by")),
        _pair(RELATIONS, d.get("relation")),
        _because(d, "reason"),
    )
    into = d.get("into", "?")
    return f"{zh} 请求{to_zh} {into}{more_zh}", f"{en} asks that it {to_en} {into}{more_en}"


def _family_refused(d: Mapping[str, Any], _n: Names) -> Pair:
    (to_zh, to_en), (why_zh, why_en), into = (
        _pair(RELATIONS, d.get("relation")),
        _words(d.get("detail")),
        d.get("into", "?"),
    )
    return f"未能{to_zh} {into}：{why_zh}", f"it could not {to_en} {into}: {why_en}"


def _adopted(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), child, (more_zh, more_en) = n.who(d.get("by")), d.get("child", "?"), _because(d, "reason")
    if d.get("relation") == "child":
        return f"{zh} 将 {child} 挂接至本单{more_zh}", f"{en} attached {child} to it{more_en}"
    return f"{zh} 将 {child} 并入本单{more_zh}", f"{en} merged {child} into it{more_en}"


def _released(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), child = _pair(LET_GO, d.get("why")), d.get("child", "?")
    return f"{child} 不再随本单办理（{zh}）", f"it no longer stands for {child}: {en}"


def _merged(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), into, (more_zh, more_en) = n.who(d.get("by")), d.get("into", "?"), _because(d, "reason")
    return f"{zh} 将本单并入 {into}{more_zh}", f"{en} merged it into {into}{more_en}"


def _unmerged(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), main, (more_zh, more_en) = n.who(d.get("by")), d.get("main", "?"), _because(d, "reason")
    return f"{zh} 将本单从 {main} 拆出{more_zh}", f"{en} took it out of {main} again{more_en}"


def _attached(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), parent, (more_zh, more_en) = n.who(d.get("by")), d.get("parent", "?"), _because(d, "reason")
    return (
        f"{zh} 将本单挂接至 {parent}，随其一并办理{more_zh}",
        f"{en} attached it to {parent}, with which it is handled{more_en}",
    )


def _detached(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), parent, (more_zh, more_en) = _pair(LET_GO, d.get("why")), d.get("parent", "?"), _because(d, "reason")
    return f"不再随 {parent} 办理（{zh}）{more_zh}", f"it goes its own way without {parent}: {en}{more_en}"


def _related(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), other, (more_zh, more_en) = n.who(d.get("by")), d.get("other", "?"), _because(d, "reason")
    return f"{zh} 将本单与 {other} 关联{more_zh}", f"{en} noted that it has to do with {other}{more_en}"


def _family_told(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), main = _pair(NEWS, d.get("news")), d.get("main", "?")
    (how_zh, how_en), (more_zh, more_en) = _pair(OUTCOMES, d.get("outcome")), _because(d, "result")
    if d.get("outcome"):
        return f"{main} {zh}（{how_zh}）{more_zh}", f"{main} {en}, {how_en}{more_en}"
    return f"{main} {zh}{more_zh}", f"{main} {en}{more_en}"


def _passed_on(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), main = _pair(SAYINGS, d.get("message_kind")), d.get("main", "?")
    return f"{zh}，已转告 {main}", f"{en}; {main} was told"


def _family_heard(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), child = _pair(SAYINGS, d.get("message_kind")), d.get("child", "?")
    return f"{child} 的{zh}", f"of {child} {en}"


def _suspected(d: Mapping[str, Any], _n: Names) -> Pair:
    of, score = d.get("of", "?"), d.get("score", "?")
    far_zh, far_en = (
        (f"，相距 {d['metres']} 米", f", {d['metres']} m away") if d.get("metres") is not None else ("", "")
    )
    return (
        f"疑似与 {of} 重复（文字相似度 {score}{far_zh}），请人工确认并单",
        f"it looks like {of} (texts alike: {score} of 100{far_en}): merge it if it is the same matter",
    )


def _project(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (what_zh, what_en), times = n.unit(d.get("unit")), n.category(d.get("category", "?")), d.get("times", "?")
    since = n.instant(d.get("since"))
    return (
        f"{zh} 自 {since} 起“{what_zh}”已发生 {times} 次，建议立项治理并挂接相关工单",
        f"{what_en} at {en} came back {times} times since {since}: make a project of it and attach the tickets",
    )


def _asks(zh_what: str, en_what: str, *fields: str) -> Callable[[Mapping[str, Any], Names], Pair]:
    """Give the sentence of a command; of `fields` the one that is there names the other ticket."""

    def write(d: Mapping[str, Any], n: Names) -> Pair:
        (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "reason")
        other = next((f" {d[name]}" for name in fields if d.get(name)), "")
        return f"{zh} {zh_what}{other}{more_zh}", f"{en} {en_what}{other}{more_en}"

    return write


def _adopt(d: Mapping[str, Any], _n: Names) -> Pair:
    child = d.get("child", "?")
    if d.get("relation") == "child":
        return f"{child} 请求挂接至本单", f"{child} asked to be attached to it"
    return f"{child} 请求并入本单", f"{child} asked to be merged into it"


def _adoption_answered(d: Mapping[str, Any], _n: Names) -> Pair:
    (why_zh, why_en), main = _words(d.get("detail")), d.get("main", "?")
    if d.get("reason"):
        return f"{main} 未同意：{why_zh}", f"{main} did not agree: {why_en}"
    return f"{main} 已同意", f"{main} agreed"


def _let_go(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), child = _pair(LET_GO, d.get("why")), d.get("child", "?")
    return f"{child} 请求不再随本单办理（{zh}）", f"{child} asked to be let go: {en}"


def _follow(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), main = _pair(NEWS, d.get("news")), d.get("main", "?")
    return f"{main} 告知：{zh}", f"news of {main}: it {en}"


def _hear(d: Mapping[str, Any], _n: Names) -> Pair:
    (zh, en), child = _pair(SAYINGS, d.get("message_kind")), d.get("child", "?")
    return f"{child} 转告：{zh}", f"{child} passed on that {en}"


# ---------------------------------------------------------------- sla


def _clock_name(clock: Mapping[str, Any], n: Names) -> Pair:
    """Give a clock's name; a level's clock is named by its level."""
    if clock.get("clock") != "ladder":
        return n.clock(clock.get("clock"))
    zh, en = n.level(clock.get("level"))
    return f"{zh}级响应", f"{en.lower()} level's"


def _clock_names(d: Mapping[str, Any], n: Names) -> list[tuple[Pair, Mapping[str, Any]]]:
    return [(_clock_name(clock, n), clock) for clock in d.get("clocks", ())]


def _started(d: Mapping[str, Any], n: Names) -> Pair:
    parts = [(name, n.instant(clock.get("due_at")), _unsettled(clock)) for name, clock in _clock_names(d, n)]
    return (
        "开始计时：" + "，".join(f"{zh} {due} 前{more_zh}" for (zh, _), due, (more_zh, _e) in parts),
        "clocks run: " + ", ".join(f"{en} until {due}{more_en}" for (_, en), due, (_z, more_en) in parts),
    )


def _unsettled(clock: Mapping[str, Any]) -> Pair:
    return ("（暂定）", " (provisional)") if clock.get("provisional") else ("", "")


def _stopped(d: Mapping[str, Any], n: Names) -> Pair:
    parts = [(name, _outcome(clock)) for name, clock in _clock_names(d, n)]
    return (
        "停止计时：" + "，".join(f"{zh} {end_zh}" for (zh, _), (end_zh, _e) in parts),
        "clocks ended: " + ", ".join(f"{en} {end_en}" for (_, en), (_z, end_en) in parts),
    )


def _outcome(clock: Mapping[str, Any]) -> Pair:
    if clock.get("late_in_fact"):
        return "按延期后的时限完成，实际已超原时限", "met as extended, late in fact"
    return _pair(CLOCK_ENDS, clock.get("outcome"))


def _paused(d: Mapping[str, Any], n: Names) -> Pair:
    named = [name for name in (_token_name(str(token), n) for token in d.get("tokens", ())) if name]
    zh, en = "、".join(pair[0] for pair in named), " and ".join(pair[1] for pair in named)
    (why_zh, why_en), since = n.reason(d.get("reason")), n.instant(d.get("since"))
    clock = f"the clock for {en}" if " with " in en else f"the {en} clock" if en else "the clock"
    return f"{zh}计时暂停（{why_zh}），自 {since} 起", f"{clock} rests from {since}: {why_en}"


def _token_name(token: str, n: Names) -> Pair | None:
    """Give the clock that a token names: order/clock/number, or order/ladder/cause/level/number."""
    _, clock, *rest = (*token.split("/"), "", "")
    if clock not in CLOCKS:
        return None
    return _clock_name({"clock": clock, "level": rest[1]} if clock == "ladder" else {"clock": clock}, n)


def _recalculated(d: Mapping[str, Any], n: Names) -> Pair:
    why_zh, why_en = _pair(MOVES, d.get("why"))
    parts = [_moved(name, clock, n) for name, clock in _clock_names(d, n)]
    return (
        f"时限重算（{why_zh}）：" + "，".join(zh for zh, _ in parts),
        f"limits were counted again, since {why_en}: " + ", ".join(en for _, en in parts),
    )


def _moved(name: Pair, clock: Mapping[str, Any], n: Names) -> Pair:
    """Say where a limit was and is, and how long it is now; what rests has but another length."""
    (zh, en), (doubt_zh, doubt_en) = name, _unsettled(clock)
    old, new = n.instant(clock.get("old")), n.instant(clock.get("new"))
    limit_zh, limit_en = n.span(m.Span(**clock["limit"])) if clock.get("limit") else ("", "")
    if old == new and limit_zh:
        return f"{zh}时限为 {limit_zh}{doubt_zh}", f"{en} has {limit_en}{doubt_en}"
    length_zh, length_en = (f"（{limit_zh}）", f" ({limit_en})") if limit_zh else ("", "")
    return (
        f"{zh}由 {old} 改为 {new}{length_zh}{doubt_zh}",
        f"{en} until {new} instead of {old}{length_en}{doubt_en}",
    )


def _limit(d: Mapping[str, Any], n: Names, *, of: bool = False) -> Pair:
    """Give a clock's limit as the subject of a sentence; `of`: with its instant."""
    (zh, en), due = _clock_name(d, n), n.instant(d.get("due_at"))
    return f"{zh}时限", _the_limit(en, f" of {due}" if of else "")


def _the_limit(en: str, more: str = "") -> str:
    """Name a limit in English: the signing limit, but the limit for contact with the caller."""
    return f"the limit{more} for {en}" if " " in en and not en.endswith("level's") else f"the {en} limit{more}"


def _warned(d: Mapping[str, Any], n: Names) -> Pair:
    """Say that a limit is near; from the second time on, which warning it is."""
    (zh, en), due, nth = _limit(d, n), n.instant(d.get("due_at")), d.get("nth", 1)
    if nth > 1:
        return f"{zh}第 {nth} 次预警：{due} 到期", f"warning number {nth}: {en} ends at {due}"
    return f"{zh}临近：{due} 到期", f"{en} is near: it ends at {due}"


def _breached(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), due = _limit(d, n, of=True), n.instant(d.get("due_at"))
    return f"超过{zh}（{due}）", f"{en} has passed"


def _escalated(d: Mapping[str, Any], n: Names) -> Pair:
    (cause_zh, cause_en), (zh, en), (told_zh, told_en) = n.clock(d.get("cause")), n.unit(d.get("unit")), _told(d, n)
    owner = f"{en} ({n.level(d.get('to_level'))[1].lower()}) is an owner too{told_en}"
    if d.get("cause") == "severity":
        return f"事项严重，直接升级到 {zh}{told_zh}", f"it is grave: {owner}"
    if d.get("cause") == "rework":
        return f"多次返工仍未解决，升级到 {zh}{told_zh}", f"one rework after the other did not do: {owner}"
    return f"超过{cause_zh}时限，升级到 {zh}{told_zh}", f"{_the_limit(cause_en)} has passed: {owner}"


def _told(d: Mapping[str, Any], n: Names) -> Pair:
    """Name those of the unit who are to know, with their roles."""
    people = [n.staff(str(each)) for each in d.get("told", ())]
    if not people:
        return "", ""
    return f"，通知 {'、'.join(zh for zh, _ in people)}", f"; to be told: {', '.join(en for _, en in people)}"


def _skipped(d: Mapping[str, Any], n: Names) -> Pair:
    (level_zh, level_en), (unit_zh, unit_en) = n.level(d.get("level")), n.unit(d.get("unit"))
    if d.get("reason") == "no-unit":
        return f"{level_zh}一级没有单位，直接升级", f"there is no unit at the {level_en.lower()} level: on to the next"
    if d.get("reason") == "all-away":
        return (
            f"{unit_zh}（{level_zh}）人员均不在岗，直接升级",
            f"everybody of {unit_en} ({level_en.lower()}) is away: on to the next level",
        )
    return (
        f"{unit_zh}（{level_zh}）无人值守，直接升级",
        f"{unit_en} ({level_en.lower()}) has nobody: on to the next level",
    )


def _supervision(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (told_zh, told_en), times = n.unit(d.get("unit")), _told(d, n), d.get("times", 1)
    notice_zh, notice_en = _words(d["notice"]) if d.get("notice") else ("督办", "supervision notice")
    heavier_zh = "" if notice_zh == "督办" else f"，本次为{notice_zh}"
    return (
        f"{zh} 仍无人认领，第 {times} 次督办{heavier_zh}{told_zh}",
        f"nobody at {en} has accepted: {notice_en} number {times}{told_en}",
    )


def _accepted(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (level_zh, level_en) = n.who(d.get("by")), n.level(d.get("level"))
    more_zh, more_en = _because(d, "note")
    return f"{zh} 认领{level_zh}级提级件{more_zh}", f"{en} has taken it on for the {level_en.lower()} level{more_en}"


def _accept(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "note")
    return f"{zh} 请求认领提级件{more_zh}", f"{en} asked to take the escalated ticket on{more_en}"


def _handed_back(d: Mapping[str, Any], n: Names) -> Pair:
    (by_zh, by_en), (more_zh, more_en) = n.who(d.get("by")), _because(d, "reason")
    (from_zh, from_en), (zh, en) = n.level(d.get("level")), n.level(d.get("to_level"))
    return (
        f"{by_zh}（{from_zh}级）交回{zh}级办理{more_zh}",
        f"{by_en} ({from_en.lower()} level) gave it back to the {en.lower()} level{more_en}",
    )


def _hand_back(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "reason")
    return f"{zh} 请求交回下级办理{more_zh}", f"{en} asked to give it back to the level below{more_en}"


def _policy(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), before, policy = n.who(d.get("by")), d.get("before") or "?", d.get("policy", "?")
    return (
        f"{zh} 将本工单适用的配置版本由 {before} 改为 {policy}",
        f"{en} applied version {policy} of the profile to it, which followed {before}",
    )


def _question(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), until, (more_zh, more_en) = n.who(d.get("by")), n.instant(d.get("until")), _because(d, "question")
    return f"{zh} 请诉求人在 {until} 前补充{more_zh}", f"{en} asked the caller, who has until {until}{more_en}"


def _wait_over(d: Mapping[str, Any], _n: Names) -> Pair:
    if d.get("why") == "expired":
        return "诉求人逾期未补充，不再等待", "the time for the caller's answer is over"
    return "诉求人已补充，不再等待", "the caller has answered, and is waited for no longer"


def _ask(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (more_zh, more_en) = _by(d, n), _because(d, "question")
    return f"{zh} 请求诉求人补充{more_zh}", f"{en} asked to put a question to the caller{more_en}"


def _recount(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (why_zh, why_en) = _by(d, n), _pair(MOVES, d.get("why", "calendar"))
    if d.get("policy"):
        version = d["policy"]
        return f"{zh} 请求适用配置版本 {version}", f"{en} asked to apply version {version} of the profile"
    return f"{zh} 请求重算时限（{why_zh}）", f"{en} asked to count all limits again, since {why_en}"


EVENTS: Final[dict[str, Pair]] = {
    "start": ("计时", "clock"),
    "limit": ("期限计算", "limit"),
    "warning": ("预警", "warning"),
    "breach": ("超时", "breach"),
    "escalation": ("提级", "step up the ladder"),
}
FINDINGS: Final[dict[str, Pair]] = {
    "missed": ("漏发", "was missed"),
    "doubled": ("重复", "came twice"),
    "fired-though-met": ("已按时办理仍被触发", "came although it was met or rested"),
    "late": ("迟发", "came late"),
    "early": ("提前触发", "came too early"),
    "stray": ("没有依据", "belongs to nothing that was started"),
    "wrong-limit": ("有误", "is wrong"),
}


def _finding(d: Mapping[str, Any], n: Names) -> Pair:
    """Say what an audit found."""
    found: Mapping[str, Any] = d.get("finding", {})
    (clock_zh, clock_en), at = _clock_name(found, n), n.instant(found.get("at"))
    (event_zh, event_en), (kind_zh, kind_en) = (
        _pair(EVENTS, found.get("event")),
        _pair(FINDINGS, found.get("kind")),
    )
    return (
        f"{clock_zh}时限的{event_zh}{kind_zh}（{at}）",
        f"the {event_en} of {clock_en} at {at} {kind_en}: {found.get('what', '')}",
    )


def _audit_found(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = _finding(d, n)
    return f"时限审计发现：{zh}", f"the audit of timers found that {en}"


def _record_finding(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = _finding(d, n)
    return f"时限审计请求记录：{zh}", f"the audit of timers asked to record that {en}"


# ---------------------------------------------------------------- every service


def _refused(d: Mapping[str, Any], n: Names) -> Pair:
    (zh, en), (why_zh, why_en) = _by(d, n), _words(d.get("detail"))
    return f"{zh} 的请求未执行：{why_zh}", f"what {en} asked for was not done: {why_en}"


def _show_order(d: Mapping[str, Any], _n: Names) -> Pair:
    order = d.get("order_id", "?")
    return (
        f"派单 {order} 按部门重新同步请求再次发送",
        f"Order {order} was sent again: its department asked for all it has",
    )


def _redrive(d: Mapping[str, Any], n: Names) -> Pair:
    zh, en = _by(d, n)
    service = d.get("service", "?")
    if d.get("action") == "discard":
        return f"{zh} 丢弃 {service} 中出错的记录", f"{en} dropped the record that failed in {service}"
    return f"{zh} 在 {service} 中重试", f"{en} had the records of the ticket tried again in {service}"


BY_BODY: Final[dict[type[m.Body], Callable[[Mapping[str, Any], Names], Pair]]] = {
    m.TicketReported: _reported,
    m.MessageReceived: _message,
    m.TicketTriaged: _triaged,
    m.TriageNeeded: _triage_needed,
    m.TicketDiverted: _diverted,
    m.OrderIssued: _issued,
    m.OrderSigned: _signed,
    m.OrderProgressed: _progressed,
    m.OrderReturned: _returned,
    m.AdjudicationAsked: _adjudication,
    m.OrderWithdrawn: _withdrawn,
    m.OrderDone: _done,
    m.StageCompleted: _stage_completed,
    m.StageFailed: _stage_failed,
    m.VoteCounted: _voted,
    m.OrderReworked: _reworked,
    m.TicketSettled: _settled,
    m.ItemAdded: _item,
    m.ItemSettled: _item,
    m.AddItem: _add_item,
    m.SettleItem: _settle_item,
    m.FollowVisit: _follow_visit,
    m.RoundJoined: _round,
    m.ReleaseTicket: _release,
    m.TicketCalled: _ticket_called,
    m.AssistExcused: _excused,
    m.WhistleRaised: _whistle,
    m.WhistleWidened: _widened,
    m.WhistleAnswered: _answered,
    m.WhistleEnded: _whistle_ended,
    m.CallTicket: _call,
    m.AddAssist: _add_assist,
    m.RemoveAssist: _remove_assist,
    m.ExcuseAssist: _excuse_assist,
    m.RaiseWhistle: _raise_whistle,
    m.EndWhistle: _end_whistle,
    m.RevisionAsked: _revision_asked,
    m.RevisionDecided: _revision_decided,
    m.OrderSuspended: _suspended,
    m.OrderResumed: _resumed,
    m.OrderExtended: _extended,
    m.TicketAmended: _amended,
    m.RoutingSuggested: _suggested,
    m.VerificationAsked: _verification,
    m.TicketVerified: _verified,
    m.ReworkOrdered: _rework,
    m.CallBackAsked: _call_back_asked,
    m.CalledBack: _called_back,
    m.TicketClosed: _closed_ticket,
    m.TicketReopened: _reopened,
    m.PointsAwarded: _points,
    m.FamilyAsked: _family_asked,
    m.FamilyRefused: _family_refused,
    m.TicketAdopted: _adopted,
    m.TicketReleased: _released,
    m.TicketMerged: _merged,
    m.TicketUnmerged: _unmerged,
    m.TicketAttached: _attached,
    m.TicketDetached: _detached,
    m.TicketRelated: _related,
    m.FamilyTold: _family_told,
    m.FamilyPassedOn: _passed_on,
    m.FamilyHeard: _family_heard,
    m.DuplicateSuspected: _suspected,
    m.ProjectSuggested: _project,
    m.MergeTicket: _asks("请求并入", "asked to merge it into", "into"),
    m.UnmergeTicket: _asks("请求拆单", "asked to unmerge it"),
    m.AttachTicket: _asks("请求挂接至", "asked to attach it to", "parent"),
    m.DetachTicket: _asks("请求解除挂接", "asked to detach it"),
    m.RelateTicket: _asks("请求关联", "asked to relate it to", "other"),
    m.AdoptTicket: _adopt,
    m.AnswerAdoption: _adoption_answered,
    m.LetGo: _let_go,
    m.LinkTicket: _asks("请求关联", "asked to relate it to", "other"),
    m.FollowTicket: _follow,
    m.HearTicket: _hear,
    m.SuspectDuplicate: _asks("提示疑似重复", "found that it looks like", "of"),
    m.SuggestProject: _asks("提示可立项治理", "found that it comes back at its place"),
    m.ClocksStarted: _started,
    m.ClocksStopped: _stopped,
    m.ClocksPaused: _paused,
    m.ClocksRecalculated: _recalculated,
    m.ClockWarned: _warned,
    m.ClockBreached: _breached,
    m.TicketEscalated: _escalated,
    m.LevelSkipped: _skipped,
    m.SupervisionRepeated: _supervision,
    m.EscalationAccepted: _accepted,
    m.EscalationHandedBack: _handed_back,
    m.PolicyApplied: _policy,
    m.InformationRequested: _question,
    m.InformationWaitEnded: _wait_over,
    m.AuditFound: _audit_found,
    m.CommandRefused: _refused,
    m.TriageTicket: _triage,
    m.DivertTicket: _divert,
    m.SignOrder: _sign,
    m.ReturnOrder: _return,
    m.ReportProgress: _progress,
    m.CompleteOrder: _complete,
    m.RecordVote: _record_vote,
    m.FailStage: _fail_stage,
    m.ReviseOrder: _revise,
    m.DecideRevision: _decide,
    m.AssignTicket: _assign,
    m.AmendTicket: _amend,
    m.VerifyTicket: _verify,
    m.RecordCallBack: _record_call_back,
    m.CloseTicket: _close,
    m.ReopenTicket: _reopen,
    m.AcceptEscalation: _accept,
    m.HandBack: _hand_back,
    m.RecountClocks: _recount,
    m.AskCaller: _ask,
    m.RecordFinding: _record_finding,
    m.ShowOrder: _show_order,
    m.RedriveTicket: _redrive,
}
SENTENCES: Final = {body.type.removeprefix(PREFIX): write for body, write in BY_BODY.items()}
"""Wire type without the common prefix -> its sentence."""
