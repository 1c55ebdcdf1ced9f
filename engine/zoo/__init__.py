"""The zoo: shipped models and styles, and folders that `artrt export` wrote."""
