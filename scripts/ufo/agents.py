"""What UFO's agents have in common in every version. Imports nothing of UFO until it is asked."""

PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
"""A picture of one point, in place of a screenshot."""

WINDOW, PROGRAM = "Document1 - Word", "WINWORD.EXE"
"""The window that requests are assigned to, and its program."""


class Agents:
    """UFO's HostAgent, AppAgent and evaluator in one mode. A version's own class makes them, as `host`, `app` and
    `judge`, names the model that judges (`evaluator`), and says how they ask (`ask`), read and carry out."""

    def new_episode(self):
        self.host._blackboard.clear()

    def blackboard(self):
        """What UFO puts of the steps so far before a prompt."""
        board = self.host.blackboard
        return [] if board.is_empty() else board.blackboard_to_prompt()

    def ask_app(self, request, items, plan, last):
        """The AppAgent's messages at a screen of these items."""
        return self.app.message_constructor(
            dynamic_examples=[],
            dynamic_knowledge="",
            image_list=[PICTURE] * 3,
            control_info=items,
            prev_subtask=[],
            plan=plan,
            request=request,
            subtask=request,
            current_application=WINDOW,
            host_message=[],
            blackboard_prompt=self.blackboard(),
            last_success_actions=last,
            include_last_screenshot=True,
        )

    def ask_host(self, request, items, done):
        """The HostAgent's messages over windows of these items, behind what was done."""
        return self.host.message_constructor(
            image_list=[PICTURE],
            os_info=items,
            plan=[],
            prev_subtask=done,
            request=request,
            blackboard_prompt=self.blackboard(),
        )

    def evaluate(self, request):
        """What the evaluator says of a session."""
        from ufo.utils import json_parser

        system = self.judge.prompter.system_prompt_construction()
        user = [{"type": "text", "text": f"<Original Request:> {request}"}, {"type": "text", "text": "<Your response:>"}]
        answer = json_parser(self.ask(self.judge.prompter.prompt_construction(system, user), self.evaluator))
        self.judge.print_response(answer)
        return answer["complete"]
