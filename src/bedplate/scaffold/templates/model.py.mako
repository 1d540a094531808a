"""${it.name.plural_words.capitalize()}."""

% for one in it.enums:
${one.words} = Literal[${", ".join(f'"{word}"' for word in one.field.arguments)}]
% endfor


class ${it.name.class_name}(UUIDv7Mixin, TimestampMixin, Base):
    """${it.name.one.capitalize()}."""

    __tablename__ = "${it.name.plural}"
    __table_args__ = (${", ".join("Index(None, " + ", ".join(f'"{column}"' for column in columns) + ")" for columns in it.indexes)},)

% for one in it.attributes:
    ${one.mapped}
% endfor
