"""Record twins anew under a real ASMX: ``python -m tests.spyne_asmx.twins [NAME…]``."""

import sys

from tests.spyne_asmx.twins.exchanges import NAMES
from tests.spyne_asmx.twins.recording import asmx_of, record, record_typed


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        sys.exit(f"no such twin: {unknown[0]}; there are {', '.join(NAMES)}")
    with asmx_of(names or NAMES) as address:
        for name in names or NAMES:
            record(name, address)
            print(f"recorded {name}")
        record_typed(names or NAMES, address)
        print("recorded the answers to typed proxies")


if __name__ == "__main__":
    main(sys.argv[1:])
