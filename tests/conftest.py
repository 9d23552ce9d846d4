"""Shared by all tests: one Hypothesis profile (compilation makes deadlines meaningless)."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fastdiag", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("fastdiag")
