"""The product's source as data: modules, classes, methods, and the types that annotations name. Nothing is run."""

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from tests.architecture.tree import ROOT, modules

Types = frozenset[str]
"""Full names of classes. What is made of others (a list, a union, a mapping) counts as all of them."""
Function = ast.FunctionDef | ast.AsyncFunctionDef
NONE: Types = frozenset()


@dataclass(eq=False)
class Module:
    name: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, ast.stmt] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scope:
    """Where an expression stands: in a function, of the class `owner` if it is a method, or outside of any."""

    module: Module
    owner: str = ""
    function: Function | None = None

    @property
    def key(self) -> str:
        name = self.function.name if self.function else ""
        return f"{self.owner or self.module.name}.{name}"

    def parameters(self) -> list[ast.arg]:
        """Those that a caller gives, in their order: a method's own object is none."""
        if self.function is None:
            return []
        arguments = self.function.args
        given = [*arguments.posonlyargs, *arguments.args]
        return [*(given[1:] if self.owner else given), *arguments.kwonlyargs]


@cache
def code() -> dict[str, Module]:
    """The product and its handlers, by module."""
    found = {}
    for path in modules("layers/core/duologue", "functions"):
        name = ".".join(path.with_suffix("").parts).removeprefix("layers.core.").removesuffix(".__init__")
        module = Module(name, ast.parse((ROOT / path).read_text(encoding="utf-8")))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                module.imports |= {alias.asname or alias.name: alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module.imports |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        module.definitions = {name: statement for statement in module.tree.body for name in _defined(statement)}
        found[name] = module
    return found


def _defined(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [statement.name]
        case ast.Assign(targets=targets):
            return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


@cache
def find(name: str) -> tuple[str, Module, ast.stmt] | None:
    """The definition behind a full name, followed through the modules that pass it on."""
    module_name, _, last = name.rpartition(".")
    module = code().get(module_name)
    if module is None:
        return None
    if last in module.definitions:
        return name, module, module.definitions[last]
    return find(module.imports[last]) if last in module.imports else None


def class_of(name: str) -> tuple[Module, ast.ClassDef] | None:
    found = find(name)
    return (found[1], found[2]) if found and isinstance(found[2], ast.ClassDef) else None


@cache
def bases(name: str) -> tuple[str, ...]:
    """The class itself, and all that it inherits from, in the order in which a method is looked for."""
    found = class_of(name)
    if found is None:
        return (name,)
    module, node = found
    above = [resolved(base.value if isinstance(base, ast.Subscript) else base, module) for base in node.bases]
    return (name, *(each for base in above for each in bases(base)))


@cache
def is_protocol(name: str) -> bool:
    return class_of(name) is not None and "typing.Protocol" in bases(name)


@cache
def methods(name: str) -> dict[str, Scope]:
    """By name, those of the bases too, each where it is written."""
    found: dict[str, Scope] = {}
    for each in bases(name):
        written = class_of(each)
        for node in written[1].body if written else ():
            if isinstance(node, Function) and node.name not in found:
                found[node.name] = Scope(written[0], each, node)
    return found


@cache
def assigned_to_self(owner: str) -> dict[str, list[tuple[ast.expr | Types, Scope]]]:
    """What a class's methods put on the object, by attribute: an expression, or a type that stands there instead."""
    found: dict[str, list[tuple[ast.expr | Types, Scope]]] = {}
    for scope in methods(owner).values():
        for node in ast.walk(scope.function) if scope.function else ():
            match node:
                case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                    found.setdefault(name, []).append((value, scope))
                case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=said):
                    found.setdefault(name, []).append((annotated(said, scope.module), scope))
    return found


@cache
def fields(owner: str) -> list[tuple[Module, str, ast.expr]]:
    """Module, name and annotation of what a class declares in its body, its bases' first."""
    return [
        (found[0], node.target.id, node.annotation)
        for found in map(class_of, reversed(bases(owner)))
        for node in (found[1].body if found else ())
        if found and isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]


def resolved(expression: ast.expr, module: Module) -> str:
    """The full name of a dotted name; empty if it is a local one, or none at all."""
    if isinstance(expression, ast.Attribute):
        before = resolved(expression.value, module)
        return f"{before}.{expression.attr}" if before else ""
    if not isinstance(expression, ast.Name):
        return ""
    name = expression.id
    if name in module.definitions:
        return f"{module.name}.{name}"
    return module.imports.get(name) or (f"builtins.{name}" if hasattr(builtins, name) else "")


def annotated(annotation: ast.expr | None, module: Module, within: frozenset[str] = frozenset()) -> Types:
    """Every class that an annotation names. `within`: the aliases that it stands in, of which one may name itself."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    if isinstance(annotation, ast.Name | ast.Attribute):
        match find(name := resolved(annotation, module)):
            case (found, where, ast.Assign(value=value)):
                return NONE if found in within else annotated(value, where, within | {found})
            case (found, _, ast.ClassDef()):
                return frozenset({found})
        return frozenset({name}) if name else NONE
    parts = [child for child in ast.iter_child_nodes(annotation) if isinstance(child, ast.expr)] if annotation else []
    return union(annotated(part, module, within) for part in parts)


@cache
def evaluated(node: ast.AST) -> list[ast.AST]:
    """A node and all below it that is run: no annotations, and not the methods of a class."""
    return list(_evaluated(node))


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (isinstance(node, ast.ClassDef) and isinstance(child, Function)):
                yield from _evaluated(child)


def local_variables(scope: Scope) -> Iterator[tuple[str, ast.expr | Types]]:
    """The variables of a function and of those inside it, with what they are made of."""
    for node in ast.walk(scope.function) if scope.function else ():
        match node:
            case ast.arg(arg=name, annotation=said) if said is not None:
                yield name, annotated(said, scope.module)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from ((name, value) for name in _bound(target))
            case ast.AnnAssign(target=ast.Name(id=name), annotation=said):
                yield name, annotated(said, scope.module)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                yield name, value
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                yield from ((name, value) for name in _bound(target))
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                yield from ((name, value) for name in _bound(target))
            case ast.ExceptHandler(type=ast.expr() as said, name=str(name)):
                yield name, annotated(said, scope.module)
            case ast.Match(subject=subject, cases=cases):
                for each in (inner for case in cases for inner in ast.walk(case.pattern)):
                    if isinstance(each, ast.MatchAs) and each.name:
                        yield each.name, subject
    if scope.owner and scope.function and scope.function.args.args:
        yield scope.function.args.args[0].arg, frozenset({scope.owner})


def _bound(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def union(types: Iterable[Types]) -> Types:
    return frozenset().union(*types)


def modules_below(package: Module) -> list[str]:
    """The modules of a package."""
    return [name for name in code() if name.startswith(f"{package.name}.")]


def parameter_names(scope: Scope) -> list[str]:
    return [parameter.arg for parameter in scope.parameters()]


def returned(scope: Scope) -> Types:
    return annotated(scope.function.returns, scope.module) if scope.function else NONE


def calls_of(name: str) -> list[tuple[str, ast.Call]]:
    """Where a function is called by its name: the module, and the call."""
    return _calls().get(name, [])


@cache
def _calls() -> dict[str, list[tuple[str, ast.Call]]]:
    found: dict[str, list[tuple[str, ast.Call]]] = {}
    for module in code().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                found.setdefault(resolved(node.func, module), []).append((module.name, node))
    return found


def types_of_parameter(name: str, parameter: str) -> Types | None:
    """What a function, or the making of a class, is given there; None: it has no such parameter."""
    match find(name):
        case (_, module, ast.FunctionDef() as node):
            scope = Scope(module, "", node)
        case (found, _, ast.ClassDef()) if "__init__" in methods(found):
            scope = methods(found)["__init__"]
        case _:
            return None
    said = [each.annotation for each in scope.parameters() if each.arg == parameter]
    return annotated(said[0], scope.module) if said else None
