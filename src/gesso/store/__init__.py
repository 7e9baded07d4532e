"""State on disk: tables and statements, bytes, and fetched addresses. Nothing above names SQL."""
