"""Where people are made, signed in and shut out, by the command line and by the gateway alike."""

from models.errors import Unauthenticated
from models.user import RandomBytes, is_right, kept, known_role, no_sign_in, user_name
from streams.ledger.users import KnownUser, PostgresUsers, UserRecord


class UserDesk:
    """random_bytes: for the salts of passwords."""

    def __init__(self, users: PostgresUsers, random_bytes: RandomBytes) -> None:
        self._users = users
        self._random_bytes = random_bytes

    def create(self, name: str, role: str, password: str, *, actor: str, why: str) -> UserRecord:
        """
        Raises:
            BadSetting: a name, role or password that cannot be taken.
            Misuse: there is somebody of that name.
        """
        wanted = user_name(name), known_role(role), kept(password, self._random_bytes)
        return self._users.create(*wanted, actor=actor, why=why)

    def reset(self, name: str, password: str, *, actor: str, why: str) -> UserRecord:
        """
        Raises:
            BadSetting: a password that cannot be taken.
            NotFound: there is nobody of that name.
        """
        return self._users.reset(name, kept(password, self._random_bytes), actor=actor, why=why)

    def give(self, name: str, role: str, *, actor: str, why: str) -> UserRecord:
        """
        Raises:
            BadSetting: there is no such role.
            NotFound: there is nobody of that name.
            Misuse: it is the last admin.
        """
        return self._users.give(name, known_role(role), actor=actor, why=why)

    def disable(self, name: str, *, actor: str, why: str) -> UserRecord:
        """
        Raises:
            NotFound: there is nobody of that name.
            Misuse: it is the last admin.
        """
        return self._users.disable(name, actor=actor, why=why)

    def records(self) -> list[UserRecord]:
        """All there ever were, by name; no digests."""
        return self._users.records()

    def sign_in(self, name: str, password: str) -> KnownUser:
        """
        Raises:
            Unauthenticated: there is nobody of that name, he is shut out, or the password is another.
        """
        if not is_right(password, self._users.password(name)):
            raise Unauthenticated("name or password is wrong")
        return self.acting(name)

    def acting(self, name: str) -> KnownUser:
        """Somebody as he stands now.

        Raises:
            Unauthenticated: he may not act any more.
        """
        for each in self._users.known():
            if each.name == name:
                return each
        raise no_sign_in()

    def sign_out(self, name: str, epoch: int, *, actor: str) -> None:
        """End all that somebody has signed in with. epoch: of the token; where there is a later one by now,
        that was done already and changes nothing."""
        self._users.sign_out(name, epoch, actor=actor, why="asked for")

    def close(self) -> None:
        self._users.close()
