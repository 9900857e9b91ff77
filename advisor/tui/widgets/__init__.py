"""One file a widget: a record in, messages out."""
