"""Sleeping under `faketime`, whose stand-in for `clock_nanosleep` refuses every sleep of Python from 3.11 on."""

import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds) and None
