"""Which SDK is installed."""

import azure.durable_functions as df
import azure.functions as func

# 2.x has its client from durabletask, and calls it so.
IS_2 = hasattr(df, "DurableFunctionsClient")

App = df.DFApp
Blueprint = df.Blueprint

if IS_2:

    class SettingsBlueprint(df.Blueprint, func.SettingsApi):
        """With the retry policies of functions, which the blueprint of 2.0.0rc3 lacks."""

    Blueprint = SettingsBlueprint
