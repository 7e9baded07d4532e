"""The pages for people: rendered here, with a little JavaScript on top that speaks the same API as any other program."""
