"""What the template becomes once it is expanded."""
