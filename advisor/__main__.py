"""`python -m advisor`"""

from advisor.cli import leave, main

leave(main())
