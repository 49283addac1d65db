"""What tests of openings in doubt ask of the gateway, and how they let the workers go on."""

from django.utils import timezone

from payments.models import CallState, GatewayCall


def sent(world):
    """The key of each opening that reached the gateway."""
    return [call.key for call in world.sandbox.stripe.books.calls if call.operation == "start"]


def made(world):
    """How many pages the gateway really made."""
    return sum(world.sandbox.stripe.books.creates.values())


def ladder(world, clock, steps):
    """Let the workers take the next steps of the call in doubt; returns the call."""
    for _ in range(steps):
        call = GatewayCall.objects.get()
        if call.due_at is None:
            break
        clock.move_to(call.due_at)
        world.work()
    return GatewayCall.objects.get()


def look_now(world):
    """Let the workers look now; returns the call."""
    GatewayCall.objects.filter(state=CallState.UNKNOWN).ring(timezone.now())
    world.work()
    return GatewayCall.objects.get()


def never_there(world, clock):
    """An opening that the gateway answered with a 500, which it keeps under the key; now its session is over."""
    world.sandbox.faults.add("start", "error_before", status=500)
    world.start()
    clock.move_to(world.session().expires_at)
