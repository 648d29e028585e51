"""OpenEnv's protocol, as far as lam-train speaks it, over the standard library: a WebSocket and an instance a session.

An environment is a class made from `Environment`; `serve` serves it. README.md says what is sent.
"""

import argparse
import base64
import hashlib
import json
import random
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

LARGEST = 16 << 20  # bytes of a message
MAX_STEPS = 30  # actions after which an episode is cut off
SESSIONS = 8  # at once, as clients are told


class Refused(Exception):
    """The application does not do this now; the episode goes on."""


class Invalid(Exception):
    """What was sent does not fit."""


def function(name, doc, on=None, args=()):
    """A function that actions may call, on controls of these types or on the application itself."""
    return {"name": name, "doc": doc, "target": {"control": on} if on else "application", "args": list(args)}


def text_argument(name, doc):
    """An argument that may be any text."""
    return {"name": name, "kind": "text", "required": True, "doc": doc}


def control(text, kind, selected=None, value=None, enabled=True):
    """A control on the screen; `selected` and `value` for those that have such a state."""
    made = {"control_text": text, "control_type": kind, "enabled": enabled}
    if selected is not None:
        made["selected"] = selected
    if value is not None:
        made["value"] = value
    return made


def action(called="", on=None, args=None, thought="", finish=False, plan=()):
    """An answer of an expert: a function called on a control of the screen, and whether that ends the task."""
    label, text = (on["label"], on["control_text"]) if on else ("", "")
    return {"thought": thought, "control_label": label, "control_text": text, "function": called, "args": args or {},
            "status": "FINISH" if finish else "CONTINUE", "plan": list(plan)}


class Environment:
    """One instance of an application, which plays one task after another."""

    name = "own"
    version = "1"
    functions = []
    families = {}  # name: {"seen": wordings for training, "unseen": wordings that no phase trains on}

    def start(self, family, random):
        """Begins a task drawn from `random`; returns what the gaps of its wording are filled with."""
        raise NotImplementedError

    def controls(self):
        """What is on the screen, in order."""
        raise NotImplementedError

    def document(self):
        """The text that is shown, a line a paragraph."""
        return ""

    def act(self, function, control, args):
        """Carries a call out, or raises `Refused`."""
        raise NotImplementedError

    def judge(self):
        """Whether the task is done, and why."""
        raise NotImplementedError

    expert = None  # a method from a state to an action, where there is an expert

    # What follows is the same for every environment.

    def vocabulary(self):
        """Texts with the words of tasks and screens, of which a tokenizer can be made."""
        texts = []
        for family, seed in ((family, seed) for family in self.families for seed in range(20)):
            for split, phrasing in (("train", "seen"), ("validation", "unseen"), ("test", "unseen")):
                texts.append(self.task(family, split, phrasing, seed)["request"])
                texts += [each["control_text"] for each in self.controls()] + [self.document()]
        return sorted({text for text in texts if text})

    def task(self, family, split, phrasing, seed):
        """A task; the same four give the same one."""
        known = self.families.get(family) or invalid(f"unknown family `{family}`, known are {', '.join(self.families)}")
        wordings = known[phrasing]
        if phrasing == "unseen":  # those of the validation set and of the test set share none
            if split == "train":
                invalid("`train` has no unseen wordings")
            wordings = wordings[0::2] if split == "validation" else wordings[1::2] or wordings
        draw = random.Random(f"{family} {split} {phrasing} {seed}")
        gaps = self.start(family, draw)
        return {"task_id": f"{self.name}-{family}-{split}-{phrasing}-{seed:x}", "family": family,
                "request": draw.choice(wordings).format(**gaps), "environment": self.name, "application": self.name,
                "seed": seed, "phrasing": phrasing, "split": split}

    def screen(self):
        """The controls with their labels."""
        return [{"label": str(number), **each} for number, each in enumerate(self.controls(), 1)]


def invalid(reason):
    raise Invalid(reason)


def draw(environment, query):
    """Tasks as `GET /tasks` asks for them: families take turns."""
    families = query.get("family") or list(environment.families)
    split, count, seed = (query.get(key, [usual])[0] for key, usual in (("split", "test"), ("count", 1), ("seed", 0)))
    usual = {"train": ["seen"], "validation": ["unseen"], "test": ["seen", "unseen"]}
    phrasings = query.get("phrasing") or usual.get(split) or invalid(f"unknown split `{split}`")
    count = int(count)
    seeds = random.Random(f"{split} {seed}")
    return [environment.task(families[place % len(families)], split, phrasings[place // len(families) % len(phrasings)],
                             seeds.getrandbits(48)) for place in range(count)]


class Session:
    """One connection: its instance and the episode it is in."""

    def __init__(self, kind):
        self.environment, self.task, self.step, self.done = kind(), None, 0, True

    def answer(self, message):
        kind, data = message.get("type"), message.get("data") or {}
        if kind == "reset":
            return {"type": "observation", "data": self.reset(data)}
        if kind == "step":
            return {"type": "observation", "data": self.act(data)}
        if kind == "state":
            return {"type": "state", "data": {"step_count": self.step, "done": self.done, "task": self.task}}
        return error("UNKNOWN_TYPE", f"unknown message type `{kind}`, known are reset, step, state, close")

    def reset(self, data):
        asked = {key: [data[key]] for key in ("seed", "family", "split", "phrasing") if key in data}
        task = data.get("task") or draw(self.environment, {"seed": [random.getrandbits(48)], **asked})[0]
        if "request" in data:
            task["request"] = data["request"]
        # The same draw as the task's own brings the instance to its start.
        self.environment.task(task["family"], task["split"], task["phrasing"], task["seed"])
        self.task, self.step, self.done = task, 0, False
        return self.observation(None)

    def act(self, data):
        if self.done:
            invalid("the episode is over, or was never begun; send `reset`")
        status, said, finish = "ok", "", data.get("status") == "FINISH"
        try:
            called = data.get("function", "")
            on = self.chosen(called, data.get("control_label", "")) if called else None
            if called:
                self.environment.act(called, on, data.get("args") or {})
        except Invalid as refused:
            status, said = "invalid_action", str(refused)
        except Refused as refused:
            status, said = "app_error", str(refused)
        self.step += 1
        is_over = finish and status != "invalid_action"
        return self.observation({"status": status, "message": said}, is_over, self.step >= MAX_STEPS)

    def chosen(self, called, label):
        """The control that a function is called on, if it needs one."""
        spec = next((each for each in self.environment.functions if each["name"] == called), None)
        types = (spec or invalid(f"no function `{called}`"))["target"]
        if types == "application":
            return None
        on = next((each for each in self.environment.screen() if each["label"] == label), None)
        if not on or on["control_type"] not in types["control"] or not on["enabled"]:
            invalid(f"`{called}` cannot be called on control `{label}`")
        return on

    def observation(self, last_action, is_over=False, is_cut_off=False):
        seen = {"request": self.task["request"], "application": self.task["application"], "step": self.step,
                "controls": self.environment.screen(), "document": self.environment.document(), "selection": "",
                "last_action": last_action, "truncated": is_cut_off and not is_over, "task": self.task}
        reward = None
        if is_over or is_cut_off:
            complete, reason = self.environment.judge() if is_over else (False, f"not finished after {MAX_STEPS} steps")
            seen["success"], reward, self.done = complete, float(complete), True
            seen["verdict"] = {"complete": "yes" if complete else "no", "reason": reason, "judge": "state"}
        return {"observation": seen, "reward": reward, "done": self.done}


def error(code, message):
    return {"type": "error", "data": {"code": code, "message": message}}


class Connection(BaseHTTPRequestHandler):
    """A request, or a session once it has stepped over to WebSocket."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the client to say that it has the one before
    kind = Environment
    timeout = 1800  # seconds of silence

    def do_GET(self):
        url = urlsplit(self.path)
        described = {"version": 1, "functions": self.kind.functions, "max_sessions": SESSIONS, "tasks": True}
        if url.path == "/schema":
            described["vocabulary"] = self.kind().vocabulary()
        if self.kind.expert:
            described["expert"] = f"{self.kind.name}-expert-{self.kind.version}"
        if "Origin" in self.headers:
            self.tell(403, {"detail": "pages of a browser are not served"})
        elif url.path == "/ws":
            self.converse()
        elif url.path == "/schema":
            self.tell(200, {"action": {"x-lam": described}, "observation": {}, "state": {}})
        elif url.path == "/metadata":
            self.tell(200, {"name": self.kind.name, "version": self.kind.version})
        elif url.path == "/tasks":
            self.attempt(lambda: {"tasks": draw(self.kind(), parse_qs(url.query))})
        else:
            self.tell(200 if url.path == "/health" else 404, {"status": "healthy"})

    def do_POST(self):
        """`/expert`: from a state to an action."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LARGEST))
        if self.path != "/expert" or not self.kind.expert:
            return self.tell(404, {"detail": "there is no expert"})
        return self.attempt(lambda: self.kind().expert(json.loads(body)))

    def attempt(self, make):
        try:
            self.tell(200, make())
        except (Invalid, KeyError, ValueError) as refused:
            self.tell(422, {"detail": str(refused)})

    def tell(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        """Says nothing of each request."""

    def converse(self):
        key = self.headers.get("Sec-WebSocket-Key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        session = Session(self.kind)
        while (text := self.receive()) is not None:
            try:
                message = json.loads(text)
                if message.get("type") == "close":
                    break
                answer = session.answer(message)
            except (Invalid, KeyError, ValueError) as refused:
                answer = error("VALIDATION_ERROR", str(refused))
            except Exception as failed:  # the environment's own mistake: told here, and to the client
                traceback.print_exc()
                answer = error("EXECUTION_ERROR", f"the environment failed: {failed!r}")
            self.send(1, json.dumps(answer).encode())
        self.send(8, b"\x03\xe8")

    def receive(self):
        """The next text message; None once the client has left."""
        text = b""
        while len(head := self.rfile.read(2)) == 2:
            kind, length = head[0] & 15, head[1] & 127
            if length > 125:
                length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")
            if kind == 8 or len(text) + length > LARGEST:
                return None
            mask, data = self.rfile.read(4), self.rfile.read(length)
            data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
            if kind == 9:
                self.send(10, data)
            elif kind != 10:
                text += data
                if head[0] & 128:
                    return text.decode()
        return None

    def send(self, kind, data):
        size = len(data)
        long = bytes([126]) + size.to_bytes(2, "big") if size < 1 << 16 else bytes([127]) + size.to_bytes(8, "big")
        self.wfile.write(bytes([128 | kind]) + (bytes([size]) if size < 126 else long) + data)


def serve(kind):
    """Serves an environment on this machine, until Ctrl-C."""
    parser = argparse.ArgumentParser(description=f"Serves `{kind.name}` to lam-train.")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 for any that is free")
    handler = type("Handler", (Connection,), {"kind": kind})
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), handler)
    server.daemon_threads = True
    print(f"serving {kind.name} at ws://127.0.0.1:{server.server_port}/ws; Ctrl-C stops", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
