from deploy.local.databases import service_dsn, with_database


def test_a_service_logs_in_as_itself_on_the_same_server() -> None:
    dsn = service_dsn("postgresql://postgres:root@127.0.0.1:15432/postgres", "notify", "pw")
    assert dsn == "postgresql://bellwether_notify:pw@127.0.0.1:15432/bellwether"


def test_another_database_keeps_the_rest_of_the_dsn() -> None:
    dsn = with_database("postgresql://me:pw@host:5432/postgres?sslmode=require", "other")
    assert dsn == "postgresql://me:pw@host:5432/other?sslmode=require"
