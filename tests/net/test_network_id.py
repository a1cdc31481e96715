"""Where we are is found without a packet, and only as far as it tells networks apart."""

import socket

from voicechat.net.network_id import network_label


def test_the_label_is_the_front_of_an_address_of_ours_or_nothing() -> None:
    label = network_label()
    assert label == network_label()
    own = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    assert isinstance(label, str) and label not in own
    assert label.count(".") in (0, 2)
