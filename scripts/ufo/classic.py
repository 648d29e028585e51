"""UFO before its third version: its own classes make the prompts, ask the server, read the answers and carry them out."""

import types

from agents import PROGRAM, WINDOW, Agents

PACKAGES = ["ufo"]
MODES = ["text", "visual", "list"]
"""Without screenshots, with them, and with a list of actions: UFO has no text for such a list without screenshots."""


class Control:
    """A control as UFO's execution sees it."""

    def __init__(self, name, kind):
        self.element_info = types.SimpleNamespace(name=name, control_type=kind, class_name=kind, automation_id="")

    def is_enabled(self):
        return True

    is_visible = is_enabled

    def rectangle(self):
        return types.SimpleNamespace(left=0, top=0, right=1, bottom=1)

    def friendly_class_name(self):
        return self.element_info.class_name


class Ufo(Agents):
    """UFO in one mode."""

    def __init__(self, mode):
        from ufo.agents.agent.app_agent import AppAgent
        from ufo.agents.agent.evaluation_agent import EvaluationAgent
        from ufo.agents.agent.host_agent import HostAgent
        from ufo.agents.processors import actions
        from ufo.agents.processors.app_agent_action_seq_processor import AppAgentActionSequenceProcessor
        from ufo.agents.processors.app_agent_processor import AppAgentProcessor
        from ufo.agents.processors.host_agent_processor import HostAgentProcessor
        from ufo.config.config import Config
        from ufo.llm import llm_call
        from ufo.module.context import Context

        configs = Config.get_instance().config_data
        self.is_visual = mode != "text"
        configs["ACTION_SEQUENCE"] = mode == "list"
        for agent in ("APP_AGENT", "HOST_AGENT"):
            configs[agent]["VISUAL_MODE"] = self.is_visual
        examples = "APPAGENT_EXAMPLE_PROMPT_AS" if mode == "list" else "APPAGENT_EXAMPLE_PROMPT"
        prompts = lambda *names: (self.is_visual, *(configs[name] for name in names), configs["API_PROMPT"])  # noqa: E731
        self.host = HostAgent("host", *prompts("HOSTAGENT_PROMPT", "HOSTAGENT_EXAMPLE_PROMPT"))
        self.app = AppAgent("app", WINDOW, PROGRAM, *prompts("APPAGENT_PROMPT", examples))
        self.judge = EvaluationAgent("judge", PROGRAM, self.is_visual, configs["EVALUATION_PROMPT"], "", configs["API_PROMPT"])
        self.app.host = self.host
        # UFO gives its evaluator the AppAgent's model.
        self.evaluator = "APPAGENT"
        self.context, self.llm_call = Context(), llm_call
        self.processor = AppAgentActionSequenceProcessor if mode == "list" else AppAgentProcessor
        self.host_processor, self.actions = HostAgentProcessor, actions
        # The application needs no time to settle.
        actions.time = types.SimpleNamespace(sleep=lambda seconds: None)

    def app_messages(self, request, controls, plan, last):
        items = [{"control_type": c["control_type"], "control_text": c["control_text"], "label": c["label"]} for c in controls]
        keys = ["Function", "Args", "ControlText", "Results", "RepeatTimes"]
        return self.ask_app(request, items, plan, [{key: action.get(key, "") for key in keys} for action in last])

    def ask(self, messages, agent="APPAGENT"):
        return self.llm_call.get_completion(messages, agent, use_backup_engine=False)[0]

    def parse(self, text, controls):
        """UFO's own reading of an answer. Whatever it cannot read is an exception."""
        step = self.processor(self.app, self.context)
        step._response = text
        step._annotation_dict = {c["label"]: Control(c["control_text"], c["control_type"]) for c in controls}
        # Without the two decorators, which turn an exception into a status.
        type(step).parse_response.__wrapped__.__wrapped__(step)
        answer = step._response_json
        calls = answer["ActionList"] if "ActionList" in answer else [answer]
        for call in calls:
            if not isinstance(call["Args"], dict):
                raise TypeError(f"Args is no object: {call['Args']!r}")
            if call["ControlLabel"] not in ("", *step._annotation_dict):
                raise KeyError(f"ControlLabel {call['ControlLabel']!r}")
            shown = step._annotation_dict.get(call["ControlLabel"])
            if shown and shown.element_info.name != call["ControlText"]:
                raise ValueError(f"ControlText {call['ControlText']!r}")
        if not all(isinstance(item, str) for item in step.plan):
            raise TypeError(f"Plan {step.plan!r}")
        step.statuses = [call["Status"] for call in calls]
        step.comment = answer["Comment"]
        return step

    def execute(self, step, bridge):
        """UFO's own execution, down to the command, which the bridge gives to our grounding."""
        self.app.Puppeteer = bridge
        step.capture_control_screenshot = lambda control: None
        step.capture_control_screenshot_from_adjusted_coords = lambda control_adjusted_coords: None
        bridge.status = step.statuses[-1]
        self.context.set(self.window_name(), Control(WINDOW, "Window"))
        type(step).execute_action.__wrapped__.__wrapped__(step)
        return step.statuses[-1]

    def window_name(self):
        from ufo.module.context import ContextNames

        return ContextNames.APPLICATION_WINDOW

    def remember(self, step, request, number):
        """What UFO keeps of a step: in the blackboard, and as the last actions."""
        done = step.actions.to_list_of_dicts(previous_actions=[])
        self.host.blackboard.add_trajectories({"Step": number, "Subtask": request, "Action": done, "UserConfirm": None})
        return step.actions.to_list_of_dicts(success_only=True, previous_actions=[])

    def recall(self, past, request, number):
        """The same of an action that was recorded."""
        result = self.actions.ActionExecutionLog(status="success" if past["outcome"] == "ok" else "error")
        action = self.actions.OneStepAction(past["function"], past["args"], "", past["control_name"], "CONTINUE", result)
        done = self.actions.ActionSequence([action]).to_list_of_dicts(previous_actions=[])
        self.host.blackboard.add_trajectories({"Step": number, "Subtask": request, "Action": done, "UserConfirm": None})
        return done

    def assign(self, request, windows, done):
        """What the HostAgent does with a request: status, sub-task, window."""
        items = [{"label": str(place + 1), "control_text": title, "control_type": "Window"} for place, title in enumerate(windows)]
        step = self.host_processor(self.host, self.context)
        step._response = self.ask(self.ask_host(request, items, done), "HOSTAGENT")
        type(step).parse_response.__wrapped__.__wrapped__(step)
        if not done:
            self.host.blackboard.add_trajectories({"Step": 0, "Subtask": None, "Action": [], "UserConfirm": None})
        return step.status, step.subtask, step.control_text
