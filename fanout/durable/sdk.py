"""Which SDK is installed."""

import azure.durable_functions as df

# 2.x has its client from durabletask, and calls it so.
IS_2 = hasattr(df, "DurableFunctionsClient")

App = df.DFApp
Blueprint = df.Blueprint
