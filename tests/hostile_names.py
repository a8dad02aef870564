"""Names that a stranger may give to a model, a clip or a training set."""

HOSTILE = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><b onclick="alert(1)">', "=HYPERLINK(1)",
    "  =1+1", "\t@SUM(1)", "+1", "-1", "../../x", "a\nb\r\nc", "nul\0", "\u202eevil\u202c", "\x1b[31mred",
    "[x] *y*", r"\input{/etc/passwd} % & $a_b^c~ #{}", "|`a`|", "'quoted'", "y" * 300, "{{ 7 * 7 }}",
)  # fmt: skip
