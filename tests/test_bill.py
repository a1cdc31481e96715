"""What replies cost is added up, as far as it is known."""

from voicechat.bill import Bill
from voicechat.events import Usage

PRICES = {"cheap": 0.001, "dear": 1.0}


def price(model: str, usage: Usage) -> float | None:
    return usage.output_tokens * PRICES[model] if model in PRICES else None


def test_replies_of_several_models_add_up() -> None:
    bill = Bill(price)
    bill.add("cheap", Usage(output_tokens=500))
    bill.add("dear", Usage(output_tokens=2))
    assert bill.cost_usd == 2.5 and not bill.is_partial


def test_an_unknown_price_is_no_price_and_not_nothing() -> None:
    bill = Bill(price)
    bill.add("free?", Usage(output_tokens=500))
    assert bill.cost_usd is None and bill.is_partial
    bill.add("cheap", Usage(output_tokens=1000))
    bill.add("free?", Usage(output_tokens=500))
    assert bill.cost_usd == 1.0 and bill.is_partial


def test_a_reply_of_unknown_length_costs_nothing_that_is_known() -> None:
    bill = Bill(price)
    bill.add("cheap", None)
    assert bill.cost_usd is None and bill.is_partial


def test_without_prices_nothing_is_reckoned() -> None:
    bill = Bill(None)
    bill.add("cheap", Usage(output_tokens=5))
    assert bill.cost_usd is None and not bill.is_partial
