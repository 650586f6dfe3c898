# SPDX-License-Identifier: BSD-3-Clause
"""Tables for people."""


def cell(form, value):
    return "-" if value is None else form.format(value)


def table(rows, columns, left=()):
    """rows: dicts; columns: (name, heading, format); those named in `left` are words."""
    lines = [[heading for _, heading, _ in columns]]
    lines += [[cell(form, row.get(name)) for name, _, form in columns] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    words = [name in left for name, _, _ in columns]
    text = ["  ".join(v.ljust(w) if word else v.rjust(w)
                      for v, w, word in zip(line, widths, words)).rstrip() for line in lines]
    return "\n".join([text[0], "  ".join("-" * w for w in widths), *text[1:]])
