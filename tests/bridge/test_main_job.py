"""The main job, end to end: started, paid, verified, told."""


def test_a_paid_order_is_told_to_the_shop_once(world):
    answer = world.start(7)
    assert answer["IsSuccess"] is True
    assert answer["Type"] == "Redirect"
    assert answer["RedirectUrl"].startswith(world.sandbox.url)
    assert answer["Stage"] == "STANDBY"

    world.pay(7)
    assert world.status(7)["Stage"] == "STANDBY"  # a stored notice moves nothing by itself

    world.work()
    status = world.status(7)
    assert (status["Stage"], status["PaidPrice"], status["Balance"]) == ("PAID", "64900", "64900")
    assert world.told(7) == ["PayComplete"]
    told = world.sandbox.shop.books.orders["KR1", 7, 0]
    assert (told.stage, told.total, told.completions) == ("PAID", "64900", 1)


def test_a_paid_order_cannot_be_started_again(world):
    world.start(7)
    world.pay(7)
    world.work()
    answer = world.start(7)
    assert (answer["ErrorCode"], answer["Balance"]) == ("ALREADY_PAID", "64900")
