"""What `make run` and a Hugging Face Space run: settings → advisor → web app → serve."""

import sys

from advisor.cli import leave
from advisor.framework import FrameworkError
from advisor.settings import Settings, SettingsError

if __name__ == "__main__":
    try:
        from advisor import Advisor
        from advisor.web.server import serve

        serve(Advisor(Settings.from_environment()))
        leave(0)
    except (SettingsError, FrameworkError) as error:
        sys.exit(f"error: {error}")
