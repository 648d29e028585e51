"""UFO since its third version: its own classes make the prompts, ask the server, read the answers and carry them out."""

import asyncio
import inspect
import platform
import sys
import typing

from agents import PROGRAM, WINDOW, Agents
from stubs import AbsentModule

PACKAGES = ["ufo", "config", "aip"]
MODES = ["visual", "list", "text"]


class FastMCP:
    """Keeps the functions that UFO's servers offer as tools."""

    def __init__(self, *args, **kwargs):
        self.functions = []

    def tool(self, *args, **kwargs):
        return lambda function: self.functions.append(function) or function


def prepare():
    """What must be there before UFO is imported: its servers offer tools by fastmcp."""
    module = AbsentModule("fastmcp")
    module.FastMCP = FastMCP
    sys.modules["fastmcp"] = module


def tools(servers):
    """The tools of these servers, described as fastmcp describes them."""
    from aip.messages import MCPToolInfo
    from pydantic import create_model

    found = []
    for function in [function for server in servers for function in server.functions]:
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
        required = inspect.Parameter.empty
        fields = {p.name: (hints[p.name], ... if p.default is required else p.default) for p in parameters}
        schema = create_model(function.__name__, **fields).model_json_schema()
        name, doc = function.__name__, inspect.getdoc(function)
        found.append(
            MCPToolInfo(
                tool_key=f"action.{name}", tool_name=name, namespace="action", tool_type="action", description=doc, input_schema=schema
            )
        )
    return found


class Dispatcher:
    """Takes UFO's commands to our grounding."""

    def __init__(self, bridge):
        self.bridge = bridge

    async def execute_commands(self, commands):
        from aip.messages import Result

        results = []
        for command in commands:
            arguments = dict(command.parameters)
            label, name = arguments.pop("id", ""), arguments.pop("name", "")
            try:
                said = self.bridge.carry_out(command.tool_name, arguments, label, name)
                results.append(Result(status="success", result=said, namespace="action"))
            except RuntimeError as error:
                results.append(Result(status="failure", error=str(error), namespace="action"))
        return results


class Ufo(Agents):
    """UFO in one mode."""

    def __init__(self, mode):
        from config.config_loader import get_ufo_config
        from ufo.agents.agent.app_agent import AppAgent
        from ufo.agents.agent.evaluation_agent import EvaluationAgent
        from ufo.agents.agent.host_agent import HostAgent
        from ufo.agents.processors.schemas.actions import ListActionCommandInfo
        from ufo.agents.processors.schemas.target import TargetInfo, TargetKind, TargetRegistry
        from ufo.agents.processors.strategies import app_agent_processing_strategy as app
        from ufo.agents.processors.strategies import host_agent_processing_strategy as host
        from ufo.llm import AgentType, llm_call

        # UFO's servers end the process where this is not Windows; the clients must not take it for that.
        known, platform.system = platform.system, lambda: "Windows"
        try:
            from ufo.client.mcp.local_servers import ui_mcp_server, word_wincom_mcp_server
        finally:
            platform.system = known
        config = get_ufo_config()
        config.system.action_sequence = mode == "list"
        is_visual = mode != "text"
        own = config.app_agent
        examples = own.example_prompt_as if mode == "list" else own.example_prompt
        self.app = AppAgent("app", WINDOW, PROGRAM, is_visual, own.prompt, examples)
        own = config.host_agent
        api_prompt = config.system.api_prompt if hasattr(config.system, "api_prompt") else ""
        self.host = HostAgent("host", is_visual, own.prompt, own.example_prompt, api_prompt)
        self.judge = EvaluationAgent("judge", is_visual, config.system.evaluation_prompt, "")
        self.app.host = self.host
        servers = [ui_mcp_server.create_app_action_mcp_server(), word_wincom_mcp_server.create_word_mcp_server(PROGRAM)]
        own_tools = tools(servers)
        self.app.prompter.create_api_prompt_template(own_tools)
        self.host.prompter.create_api_prompt_template(tools([ui_mcp_server.create_host_action_mcp_server()]))
        self.judge.prompter.create_api_prompt_template({"AppAgent": own_tools})
        self.reader, self.executor = app.AppLLMInteractionStrategy(), app.AppActionExecutionStrategy()
        self.host_reader, self.actions = host.HostLLMInteractionStrategy(), ListActionCommandInfo
        self.targets = (TargetInfo, TargetKind, TargetRegistry)
        self.llm_call, self.agents, self.evaluator = llm_call, AgentType, AgentType.EVALUATION

    def registry(self, controls):
        info, kind, registry = self.targets
        found = registry()
        found.register([info(kind=kind.CONTROL, id=c["label"], name=c["control_text"], type=c["control_type"]) for c in controls])
        return found

    def app_messages(self, request, controls, plan, last):
        return self.ask_app(request, self.registry(controls).to_list(keep_keys=["id", "name", "type"]), plan, last)

    def ask(self, messages, agent=None):
        return self.llm_call.get_completion(messages, agent or self.agents.APP, use_backup_engine=False)[0]

    def parse(self, text, controls):
        """UFO's own reading of an answer. Whatever it cannot read is an exception."""
        step = self.reader._parse_app_response(self.app, text)
        shown = {c["label"]: c["control_text"] for c in controls}
        actions = step.action if isinstance(step.action, list) else [step.action]
        for action in actions:
            label = action.arguments.get("id")
            if label is not None and (label not in shown or shown[label] != action.arguments.get("name")):
                raise KeyError(f"id {label!r}, name {action.arguments.get('name')!r}")
        step.save_screenshot.get("save", False)
        answer = Answer()
        answer.response, answer.plan, answer.controls, answer.comment = step, step.plan, controls, step.comment
        answer.statuses = [action.status for action in actions]
        return answer

    def execute(self, step, bridge):
        """UFO's own execution, down to the command, which the bridge gives to our grounding."""
        bridge.status = step.statuses[-1]
        results = asyncio.run(self.executor._execute_app_action(Dispatcher(bridge), step.response.action))
        targets = {target.id: target for target in self.registry(step.controls)._targets.values()}
        step.actions = self.actions(self.executor._create_action_info(targets, step.response.action, results) or [])
        return step.statuses[-1]

    def remember(self, step, request, number):
        """What UFO keeps of a step: in the blackboard, and as the last actions."""
        return self.keep(step.actions.to_representation(), request, number)

    def recall(self, past, request, number):
        """The same of an action that was recorded."""
        from aip.messages import Result
        from ufo.agents.processors.schemas.actions import ActionCommandInfo

        control = {"id": "1", "name": past["control_name"]} if past["control_name"] else {}
        action = ActionCommandInfo(function=past["function"], arguments={**control, **past["args"]}, status="CONTINUE")
        action.result = Result(status="success" if past["outcome"] == "ok" else "failure")
        return self.keep(self.actions([action]).to_representation(), request, number)

    def keep(self, lines, request, number):
        kept = {"step": number, "subtask": request, "action_representation": lines, "user_confirm": None}
        self.host.blackboard.add_trajectories(kept)
        return lines

    def assign(self, request, windows, done):
        """What the HostAgent does with a request: status, sub-task, window."""
        items = [{"kind": "window", "name": title, "id": str(place + 1)} for place, title in enumerate(windows)]
        text = self.ask(self.ask_host(request, items, done), self.agents.HOST)
        answer = self.host_reader._parse_and_validate_response(self.host, text)
        if answer.status == "ASSIGN" and answer.function != "select_application_window":
            raise ValueError(f"function {answer.function!r}")
        return answer.status, answer.current_subtask, (answer.arguments or {}).get("name")


class Answer:
    """An answer that UFO has read."""
