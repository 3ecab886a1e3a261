# What stablehttp_crt calls of awscrt 0.32 to 0.38, and nothing more.
__version__: str
