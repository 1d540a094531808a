"""Where ${it.name.plural_words} are kept."""


class ${it.name.class_name}Repository(Repository[${it.name.class_name}]):
    """All ${it.name.plural_words}."""

    model = ${it.name.class_name}
% if it.owner:

    def visible_to(self, caller: Principal[User]) -> Self:
        """Give a repository of what a caller may see and change: their own; administrators all."""
        if caller.may(ADMINISTRATOR):
            return self
        return self.where(${it.name.class_name}.owner_id == caller.account.id)
% endif
