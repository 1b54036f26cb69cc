"""Evaluates an expanded template for given parameters, as CloudFormation does before it makes anything."""

from __future__ import annotations

import base64
import re

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/harvest-lake/0f3c9a10-aaaa-bbbb",
    "AWS::StackName": "harvest-lake",
    "AWS::URLSuffix": "amazonaws.com",
}
# What `AWS::NoValue` leaves: nothing, and its key goes with it.
_NOTHING = object()


class Rendered:
    """The resources and outputs that there are with these parameters; an error for a reference to another one."""

    def __init__(self, template: dict, given: dict[str, str], pseudo: dict | None = None):
        self._template = template
        self._pseudo = PSEUDO | (pseudo or {})
        declared = template.get("Parameters", {})
        if unknown := set(given) - set(declared):
            raise KeyError(f"no such parameters: {sorted(unknown)}")
        self._parameters = {name: str(given.get(name, one.get("Default"))) for name, one in declared.items()}
        self._live = {name for name, one in template["Resources"].items() if self._is_wanted(one)}
        # The resources that each one refers to, or waits for.
        self.needs: dict[str, set[str]] = {}
        self.resources = {}
        for name in sorted(self._live):
            self._at = self.needs.setdefault(name, set())
            resource = template["Resources"][name]
            waits = resource.get("DependsOn", [])
            for one in [waits] if isinstance(waits, str) else waits:
                self._reference(one, "DependsOn")
            properties = self._value(resource.get("Properties", {}))
            self.resources[name] = {"Type": resource["Type"], "Properties": properties}
        self._at = set()
        outputs = template.get("Outputs", {})
        self.outputs = {name: self._value(one["Value"]) for name, one in outputs.items() if self._is_wanted(one)}

    def order(self) -> list[str]:
        """The resources, each after those that it needs; an error if some need each other."""
        order: list[str] = []
        while len(order) < len(self.resources):
            ready = [name for name in self.needs if name not in order and self.needs[name] <= set(order)]
            if not ready:
                raise ValueError(f"need each other: {sorted(set(self.resources) - set(order))}")
            order += ready
        return order

    def of_type(self, kind: str) -> dict[str, dict]:
        """The properties of the resources of this type."""
        return {name: one["Properties"] for name, one in self.resources.items() if one["Type"] == kind}

    def _is_wanted(self, one: dict) -> bool:
        return "Condition" not in one or self._condition(one["Condition"])

    def _condition(self, name: str) -> bool:
        return self._value(self._template["Conditions"][name])

    def _reference(self, name: str, what: str) -> str:
        if name not in self._live:
            raise KeyError(f"{what} {name}: there is no such resource with these parameters")
        self._at.add(name)
        return f"<{name}>"

    def _value(self, node):
        if isinstance(node, list):
            return [value for value in map(self._value, node) if value is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in ("Ref", "Condition") and isinstance(argument, str):
                return self._ref(argument) if name == "Ref" else self._condition(argument)
            if name.startswith("Fn::"):
                return getattr(self, "_" + name.removeprefix("Fn::").lower())(argument)
        values = {name: self._value(child) for name, child in node.items()}
        return {name: value for name, value in values.items() if value is not _NOTHING}

    def _ref(self, name: str):
        if name == "AWS::NoValue":
            return _NOTHING
        if name in self._pseudo:
            return self._pseudo[name]
        return self._parameters[name] if name in self._parameters else self._reference(name, "Ref")

    def _getatt(self, argument) -> str:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._reference(name, "Fn::GetAtt").removesuffix(">") + f".{attribute}>"

    def _sub(self, argument) -> str:
        text, values = (argument, {}) if isinstance(argument, str) else argument
        values = {name: self._value(value) for name, value in values.items()}

        def replaced(found: re.Match) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in values:
                return values[name]
            return self._getatt(name) if "." in name else self._ref(name)

        return re.sub(r"\$\{([^}]+)\}", replaced, text)

    def _if(self, argument):
        condition, then, otherwise = argument
        return self._value(then if self._condition(condition) else otherwise)

    def _equals(self, argument) -> bool:
        one, other = self._value(argument)
        return one == other

    def _not(self, argument) -> bool:
        (one,) = self._value(argument)
        return not one

    def _and(self, argument) -> bool:
        return all(self._value(argument))

    def _or(self, argument) -> bool:
        return any(self._value(argument))

    def _join(self, argument) -> str:
        between, parts = argument
        return between.join(self._value(parts))

    def _split(self, argument) -> list[str]:
        between, text = self._value(argument)
        return text.split(between)

    def _select(self, argument):
        place, values = self._value(argument)
        return values[int(place)]

    def _base64(self, argument) -> str:
        return base64.b64encode(self._value(argument).encode()).decode()
