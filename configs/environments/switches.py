#!/usr/bin/env python3
"""A house with a lamp in each room, as an environment of lam-train. Copy it, and put your own application in its place.

    python3 configs/environments/switches.py
    lam-train act --env remote:ws://127.0.0.1:8000/ws
"""

from openenv_server import Environment, action, control, function, serve

ROOMS = ["kitchen", "hall", "cellar", "attic", "bath", "garage", "study", "porch"]


class Switches(Environment):
    name, version = "switches", "1"
    functions = [function("click_input", "Click the control.", on=["CheckBox"])]
    families = {
        "light": {"seen": ["Turn on the lamp in the {rooms}.", "Switch on the light in the {rooms}."],
                  "unseen": ["Make it bright in the {rooms}.", "I need light in the {rooms}."]},
        "dark": {"seen": ["Turn off the lamp in the {rooms}.", "Switch off the light in the {rooms}."],
                 "unseen": ["Make it dark in the {rooms}.", "No light in the {rooms}, please."]},
    }

    def start(self, family, random):
        rooms = random.sample(ROOMS, random.randint(1, 3))
        self.lamps = {room: family == "dark" for room in ROOMS}
        self.wanted = {room: on != (room in rooms) for room, on in self.lamps.items()}
        return {"rooms": " and the ".join(rooms)}

    def controls(self):
        return [control(room, "CheckBox", selected=on) for room, on in self.lamps.items()]

    def act(self, function, control, args):
        self.lamps[control["control_text"]] ^= True

    def judge(self):
        lit = [", ".join(room for room, on in lamps.items() if on) or "no lamp" for lamps in (self.wanted, self.lamps)]
        return self.lamps == self.wanted, f"expected: {lit[0]}; found: {lit[1]}"

    def expert(self, state):
        request = state["request"]
        if not request.startswith("Turn "):
            return action(thought="it knows no other wording", finish=True)
        left = [each for each in state["observation"]["controls"]
                if each["control_text"] in request and each["selected"] != request.startswith("Turn on")]
        if not left:
            return action(thought="nothing is left to do", finish=True)
        return action("click_input", left[0], thought=f"the lamp in the {left[0]['control_text']}",
                      finish=len(left) == 1, plan=[f"click {each['control_text']}" for each in left[1:]])


if __name__ == "__main__":
    serve(Switches)
