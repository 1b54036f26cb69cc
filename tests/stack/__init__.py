"""The stack, deployed by `sam deploy` into MiniStack: an engine of CloudFormation, and the services behind it, not written here."""
