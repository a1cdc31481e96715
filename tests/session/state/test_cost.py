"""What a call costs is added up, as far as it is known."""

import pytest

from voicechat.events import Cost, SessionMetered, SessionPaused, SessionResumed, Usage
from voicechat.providers.catalog import catalog
from voicechat.session.state.cost import Bill

PRICES = {"cheap": 0.001, "dear": 1.0}


def price(model: str, usage: Usage) -> Cost | None:
    known = model in PRICES and usage.output_tokens
    return Cost(usage.output_tokens * PRICES[model], "USD") if known else None


def none_sent() -> int:
    return 0


def test_replies_of_several_models_add_up() -> None:
    bill = Bill(price)
    bill.add("cheap", Usage(output_tokens=500), 0.0)
    bill.add("dear", Usage(output_tokens=2), 0.0)
    assert bill.costs(0.0) == {"USD": 2.5} and not bill.is_partial(0.0)


def test_an_unknown_price_is_no_price_and_not_nothing() -> None:
    bill = Bill(price)
    bill.add("free?", Usage(output_tokens=500), 0.0)
    assert bill.costs(0.0) == {} and bill.is_partial(0.0)
    bill.add("cheap", Usage(output_tokens=1000), 0.0)
    bill.add("free?", Usage(output_tokens=500), 0.0)
    assert bill.costs(0.0) == {"USD": 1.0} and bill.is_partial(0.0)


def test_a_reply_of_unknown_length_costs_nothing_that_is_known() -> None:
    bill = Bill(price)
    bill.add("cheap", None, 0.0)
    assert bill.costs(0.0) == {} and bill.is_partial(0.0)


def test_without_prices_nothing_is_reckoned() -> None:
    bill = Bill(None)
    bill.connect("cheap", none_sent, 0.0)
    usage = Usage(output_tokens=5)
    assert bill.add("cheap", usage, 9.0) is usage
    assert bill.costs(9.0) == {} and not bill.is_partial(9.0)


# -- minutes and messages --------------------------------------------------------------------------


def connected(model: str, now: float = 0.0) -> Bill:
    bill = Bill(catalog.price)
    bill.connect(model, none_sent, now)
    return bill


@pytest.mark.parametrize(
    ("model", "costs"),
    [
        ("gpt-live-1.1", {"USD": 0.05}),
        ("gpt-live-1", {"USD": 0.05}),
        ("grok-voice-latest", {"USD": 0.08}),
        ("grok-voice-think-fast-2.0", {"USD": 0.08}),
        ("grok-voice-think-fast-1.0", {"USD": 0.05}),
        ("glm-realtime-flash", {"CNY": 0.18}),
    ],
)
def test_a_minute_of_the_clock_costs_what_a_minute_costs(
    model: str, costs: dict[str, float]
) -> None:
    bill = connected(model, 100.0)
    assert bill.costs(100.0) == {} and not bill.is_partial(100.0)
    assert bill.costs(160.0) == pytest.approx(costs)
    bill.add(model, Usage(input_audio=500, output_audio=500), 160.0)
    bill.disconnect(160.0)
    assert bill.costs(1000.0) == pytest.approx(costs) and not bill.is_partial(1000.0)
    bill.connect(model, none_sent, 1000.0)
    twice = {currency: 2 * amount for currency, amount in costs.items()}
    assert bill.costs(1060.0) == pytest.approx(twice), "the line was changed"


def test_the_providers_own_count_wins_and_the_clock_goes_on_from_it() -> None:
    bill = connected("gpt-live-1.1")
    bill.take_in(SessionMetered(30.0), 60.0)
    assert bill.costs(60.0) == pytest.approx({"USD": 0.025})
    assert bill.costs(90.0) == pytest.approx({"USD": 0.05})
    bill.take_in(SessionMetered(60.0, 60.0), 91.0)
    assert bill.costs(91.0) == pytest.approx({"USD": 0.07})


def test_a_pause_costs_standby_where_its_price_is_known() -> None:
    bill = connected("gpt-live-1.1")
    bill.take_in(SessionPaused(), 60.0)
    bill.take_in(SessionResumed(), 120.0)
    assert bill.costs(180.0) == pytest.approx({"USD": 0.12}) and not bill.is_partial(180.0)
    older = connected("gpt-live-1")
    older.take_in(SessionPaused(), 60.0)
    assert older.costs(120.0) == pytest.approx({"USD": 0.05}) and older.is_partial(120.0)


def test_work_that_is_billed_apart_makes_it_partial() -> None:
    bill = connected("gpt-live-1.1")
    bill.take_in(SessionMetered(has_extras=True), 30.0)
    assert bill.costs(60.0) == pytest.approx({"USD": 0.05}) and bill.is_partial(60.0)
    bill.disconnect(60.0)
    assert bill.is_partial(60.0)


def test_messages_cost_by_the_piece_where_the_provider_bills_them() -> None:
    sent = 0
    bill = Bill(catalog.price)
    bill.connect("grok-voice-latest", lambda: sent, 0.0)
    sent = 60
    assert bill.costs(60.0) == pytest.approx({"USD": 0.08 + 60 * 0.004})
    bill.connect("gpt-live-1.1", lambda: 5, 60.0)
    assert bill.costs(60.0) == pytest.approx({"USD": 0.08 + 60 * 0.004})


def test_a_replys_usage_tells_the_time_since_the_one_before() -> None:
    sent = 1
    bill = Bill(catalog.price)
    bill.connect("grok-voice-latest", lambda: sent, 0.0)
    assert bill.add("grok-voice-latest", None, 10.0) == Usage(connected_s=10.0, items=1)
    sent = 3
    told = bill.add("grok-voice-latest", Usage(output_tokens=4), 25.0)
    assert told == Usage(output_tokens=4, connected_s=15.0, items=2)
    live = connected("gpt-live-1.1")
    live.take_in(SessionMetered(8.0, 4.0), 12.0)
    wanted = Usage(connected_s=13.0, active_s=9.0, standby_s=4.0)
    assert live.add("gpt-live-1.1", None, 13.0) == wanted
    live.take_in(SessionMetered(7.0, 4.0), 14.0)
    told = live.add("gpt-live-1.1", None, 14.0)
    assert told and told.active_s == 0.0, "it counts less than the clock did"


def test_tokens_of_a_model_that_bills_tokens_get_no_time() -> None:
    bill = connected("gpt-realtime-2.1")
    usage = Usage(output_text=1_000_000)
    assert bill.add("gpt-realtime-2.1", usage, 60.0) == usage
    assert bill.costs(60.0) == {"USD": 24.0}


def test_minutes_at_an_unknown_price_stay_unknown() -> None:
    bill = connected("glm-realtime-plus")
    bill.add("glm-realtime-plus", None, 60.0)
    assert bill.costs(60.0) == {} and bill.is_partial(60.0)
