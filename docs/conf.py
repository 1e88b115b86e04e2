project = "kv-gates"
extensions = ["myst_parser"]
html_theme = "furo"
