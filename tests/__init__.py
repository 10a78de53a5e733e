"""The test house: services and simulators the tests stand on, factories for rows, and tests that mirror src."""
