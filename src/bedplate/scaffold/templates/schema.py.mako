"""${it.name.plural_words.capitalize()} as clients see them."""


class ${it.name.class_name}Create(Schema):
    """A new ${it.name.words}."""

% for one in it.sent:
    ${one.name}: ${one.annotated(one.kind.schema)}${" = None" if one.optional else ""}
% endfor


class ${it.name.class_name}Update(${it.name.class_name}Create, Patch):
    """What may be changed of ${it.name.one}; what is absent stays."""


class ${it.name.class_name}Read(Stored):
    """${it.name.one.capitalize()}."""

% for one in it.attributes:
    ${one.name}: ${one.annotated(one.kind.python)}
% endfor


class ${it.name.class_name}ListParams(CursorParams):
    """Which ${it.name.plural_words}, in which order."""

    sort: str = sort_by(${", ".join(f'"{name}"' for name in ("-created_at", *it.sortable))})
% for one in it.filters:
    ${one.name}: ${one.narrowing.python} | None = None
% endfor
