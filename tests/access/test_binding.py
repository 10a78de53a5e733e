from __future__ import annotations

import pytest

from kinoshelf.core.access.binding import refuse_open_bind
from kinoshelf.core.errors import NotConfigured


class TestRefuseOpenBind:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
    def test_this_machine_needs_no_password(self, host):
        refuse_open_bind(host, has_password=False)

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.7", "hub.example", "[::]"])
    def test_any_other_address_needs_one_and_says_what_to_do(self, host):
        with pytest.raises(NotConfigured) as refusal:
            refuse_open_bind(host, has_password=False)
        assert "kinoshelf password set" in refusal.value.message
        assert "/setup" in refusal.value.message
        refuse_open_bind(host, has_password=True)
