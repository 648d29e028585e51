"""What `check_server.py` asks of calls of tools and of reward models. No script of its own."""

import json

CONTROLS = "<Available Control Item:> "
SCREEN = [{"role": "user", "content": CONTROLS + """[\
{"label": "1", "control_text": "Bold", "control_type": "Button"}, \
{"label": "2", "control_text": "Italic", "control_type": "Button"}]
<User Request:> make the title bold
<Previous Actions:> []
<Previous Plans:> []"""}]
CLICK = {
    "type": "function",
    "function": {
        "name": "click_input",
        "description": "Click the control.",
        "parameters": {
            "type": "object",
            "properties": {"control_label": {"type": "string"}, "control_name": {"type": "string"}},
            "required": ["control_label", "control_name"],
        },
    },
}
NAMED = {"type": "function", "function": {"name": "click_input"}}


def called(message):
    """The name and the arguments of a message's only call."""
    (call,) = message.tool_calls
    return call.function.name, json.loads(call.function.arguments)


def check_tools(checks, openai, client, model):
    asked = dict(model=model, messages=SCREEN, tools=[CLICK], temperature=0, max_tokens=400)
    ask = client.chat.completions.create
    whole = ask(**asked, tool_choice="required").choices[0]
    name, arguments = called(whole.message)
    checks.same("a required call", (whole.finish_reason, name), ("tool_calls", "click_input"))
    shown = {"1": "Bold", "2": "Italic"}
    checks.same("its control is on the screen", shown.get(arguments["control_label"]), arguments["control_name"])
    checks.that("it has an id", whole.message.tool_calls[0].id)
    named = ask(**asked, tool_choice=NAMED).choices[0]
    checks.same("a named call", called(named.message), (name, arguments))
    ids = {whole.message.tool_calls[0].id, named.message.tool_calls[0].id}
    checks.same("each call has an id of its own", len(ids), 2)
    free = ask(**asked).choices[0]
    ends = "tool_calls" if free.message.tool_calls else "stop"
    checks.same("a call of its own accord, or none", free.finish_reason, ends)
    checks.that("no call where none is wanted", not ask(**asked, tool_choice="none").choices[0].message.tool_calls)

    chunks = list(ask(**asked, tool_choice="required", stream=True))
    pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]
    begin = [bool(piece.id and piece.function.name) for piece in pieces[:2]]
    checks.same("a stream's calls begin with name and id", begin, [True, False])
    text = "".join(piece.function.arguments or "" for piece in pieces)
    checks.same("a stream's arguments", json.loads(text), arguments)
    checks.same("a stream of calls ends so", chunks[-1].choices[0].finish_reason, "tool_calls")

    from pydantic import BaseModel

    class click_input(BaseModel):  # noqa: N801
        control_label: str
        control_name: str

    tool = openai.pydantic_function_tool(click_input, description="Click the control.")
    parsed = client.chat.completions.parse(**{**asked, "tools": [tool]}, tool_choice="required")
    found = parsed.choices[0].message.tool_calls[0].function.parsed_arguments
    checks.that("a pydantic model's call", isinstance(found, click_input), found)

    calls = [call.model_dump() for call in whole.message.tool_calls]
    said = {"role": "assistant", "content": whole.message.content, "tool_calls": calls}

    def told(text, call_id=whole.message.tool_calls[0].id):
        return [*SCREEN, said, {"role": "tool", "tool_call_id": call_id, "content": text}]

    before = ask(**asked).usage.prompt_tokens
    after = ask(**{**asked, "messages": told("clicked")}).usage.prompt_tokens
    checks.that("what was called stands in the prompt", after > before, (before, after))
    screen = told(CONTROLS + json.dumps([{"label": "9", "control_text": "Save", "control_type": "Button"}]))
    new = ask(**{**asked, "messages": screen}, tool_choice="required").choices[0].message
    checks.same("a result that shows a screen", called(new)[1], {"control_label": "9", "control_name": "Save"})

    def refused(what, param, **more):
        checks.refused(what, openai.BadRequestError, lambda: ask(**{**asked, **more}), param, 400)

    other = {"type": "function", "function": {"name": "fly"}}
    refused("a wrong tool", "tool_choice.function.name", tool_choice=other)
    refused("tools that are no functions of the screen", "tools", messages=with_functions(), tools=[other])
    refused("a result of no call", f"messages[{len(SCREEN) + 1}].tool_call_id", messages=told("x", "another"))
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}
    place = f"messages[{len(SCREEN)}].tool_calls[0].function.arguments"
    refused("arguments that are no JSON", place, messages=[*SCREEN, {**said, "tool_calls": [call]}])


def with_functions():
    """The screen behind App. C's system text, which documents one function."""
    system = "You operate an application.\nFunctions:\n- click_input(): Click the control. It acts on Button.\n\n"
    return [{"role": "system", "content": system + "Status of the request after your action:\n"}, *SCREEN]


def check_rewards(checks, openai, client, model, question):
    rewards = [entry.id for entry in client.models.list().data if entry.kind == "reward"]
    if not rewards:
        for what in ("scores", "a reward model that is asked to answer", "a score of a model that answers"):
            checks.skip(what, "no reward model is served")
        return
    reward = rewards[0]

    def scores(**body):
        answer = client.post("/rewards", cast_to=object, body={"model": reward, **body})
        return [entry["score"] for entry in answer["data"]]

    plans = [json.dumps({"plan": [step]}) for step in ("click Bold", "click Italic", "save the document")]
    conversations = [{"messages": [*question, {"role": "assistant", "content": plan}]} for plan in plans]
    alone = [scores(**conversation)[0] for conversation in conversations]
    checks.that("scores", all(isinstance(score, float) for score in alone) and len(set(alone)) == 3, alone)
    checks.same("scores of several answers", scores(prompt=question, answers=plans), alone)
    checks.same("scores of a batch", scores(input=conversations), alone)
    ask = lambda: client.chat.completions.create(model=reward, messages=question)  # noqa: E731
    checks.refused("a reward model that is asked to answer", openai.BadRequestError, ask, "model", 400)
    body = {"model": model, "prompt": "a", "answer": "b"}
    ask = lambda: client.post("/rewards", cast_to=object, body=body)  # noqa: E731
    checks.refused("a score of a model that answers", openai.BadRequestError, ask, "model", 400)


def check_langchain_calls(checks, chat):
    from langchain_core.messages import HumanMessage, ToolMessage

    def click_input(control_label: str, control_name: str) -> str:
        """Click the control."""
        return "clicked"

    agent = chat.bind_tools([click_input], tool_choice="any")
    screen = HumanMessage(SCREEN[0]["content"])
    answer = agent.invoke([screen])
    (call,) = answer.tool_calls
    checks.that("LangChain's call", call["name"] == "click_input" and call["args"]["control_label"] in ("1", "2"), call)
    chunks = list(agent.stream([screen]))
    whole = sum(chunks[1:], chunks[0])
    checks.same("LangChain's stream of calls", [call["args"] for call in whole.tool_calls], [call["args"]])
    history = [screen, answer, ToolMessage(click_input(**call["args"]), tool_call_id=call["id"])]
    checks.that("LangChain's call after a result", len(agent.invoke(history).tool_calls) == 1)
