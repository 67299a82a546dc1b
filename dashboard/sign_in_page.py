"""The page that signs people in: plain HTML, as nothing of the monitor is shown before."""

from html import escape

from models.errors import FraudError

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: light-dark(#f6f7f9, #16181d); color: light-dark(#1c2024, #e7e9ec) }
main { width: min(22rem, calc(100vw - 3rem)); padding: 2rem; border-radius: .75rem; box-sizing: border-box;
  background: light-dark(#fff, #1f2228); box-shadow: 0 1px 4px rgb(0 0 0 / .2) }
h1 { font-size: 1.25rem; margin: 0 0 .25rem } p { margin: 0 0 1.25rem; color: light-dark(#57606a, #a6adb8) }
label { display: block; margin: .75rem 0 .25rem; font-weight: 600 }
input { width: 100%; box-sizing: border-box; padding: .55rem .7rem; font: inherit; border-radius: .4rem;
  border: 1px solid light-dark(#8a939e, #6b7480); background: light-dark(#fff, #16181d); color: inherit }
button { width: 100%; margin-top: 1.25rem; padding: .6rem; font: inherit; font-weight: 600; border: 0;
  border-radius: .4rem; background: #1c5fbf; color: #fff; cursor: pointer }
:focus-visible { outline: 3px solid light-dark(#1c5fbf, #7fb2ff); outline-offset: 2px }
.wrong { padding: .6rem .8rem; border-radius: .4rem; color: light-dark(#8a1c1c, #ffb4ab);
  background: light-dark(#fdecea, #3b1d1b) }
"""
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>{title}</title><style>{style}</style></head>
<body><main><h1>{title}</h1>{content}</main></body>
</html>
"""
FORM = """<p>Sign in with the name that an administrator gave you.</p>{wrong}
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{after}">
<label for="name">Name</label>
<input id="name" name="name" value="{name}" autocomplete="username" autocapitalize="none" required {first}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required {second}>
<button>Sign in</button>
</form>"""
# Asked again by ourselves, the same page comes with the cookie.
AGAIN = '<!doctype html><html lang="en"><title>Fraud monitor</title><meta http-equiv="refresh" content="0">'


def sign_in_page(after: str, *, name: str = "", wrong: str = "") -> str:
    """after: the path to go to then. wrong: what did not work."""
    told = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    first, second = ("", "autofocus") if name else ("autofocus", "")
    form = FORM.format(after=escape(after), name=escape(name), wrong=told, first=first, second=second)
    return PAGE.format(title="Fraud monitor", style=STYLE, content=form)


def away_page(error: FraudError) -> str:
    """While the gateway cannot say who somebody is."""
    content = f'<p class="wrong" role="alert">{escape(str(error))}</p><p>This page tries again by itself.</p>'
    page = PAGE.format(title="The gateway is away", style=STYLE, content=content)
    return page.replace("<style>", '<meta http-equiv="refresh" content="3"><style>')
