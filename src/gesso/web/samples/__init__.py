"""Programs that call a Model, written for the reader: in nine languages, with the values of the reader's form. Text from a declaration."""
