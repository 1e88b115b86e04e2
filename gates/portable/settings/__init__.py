"""Every setting of a run, declared once: options, variables, config keys, the plugin's JSON and the docs come from here."""
