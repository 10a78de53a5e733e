"""What the hub costs, beside real peers: `./kinoshelf bench engine | queue | idle`. docs/benchmarks.md explains the figures."""
