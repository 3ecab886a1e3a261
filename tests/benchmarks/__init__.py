"""What the library costs, side by side with others in one run: `python -m tests.benchmarks [name ...]`.

Each module gives the rows of one table.  Nothing here is a test: machines differ, ratios less so.  Before
anything is timed, each benchmark makes sure that both sides give the same result.
"""
