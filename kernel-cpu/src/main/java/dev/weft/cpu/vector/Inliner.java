package dev.weft.cpu.vector;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.PseudoInstruction;
import java.lang.classfile.TypeKind;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts the bodies of {@link Inlined} functions in the place of their calls when a class of kernels
 * is loaded.
 *
 * <p>The compiler boxes a vector that reaches a method which it does not inline, and whether it
 * does depends on what it compiled before. Here a kernel is one method whatever happens, and its
 * source is still made of functions. A function may be in any class of this package, and may call
 * others; it may not switch, catch, or call itself.
 */
final class Inliner {
  private static final String INLINED = Inlined.class.descriptorString();
  private static final String PACKAGE = Inliner.class.getPackageName().replace('.', '/') + "/";

  private final ClassFile classFile =
      ClassFile.of(
          ClassFile.ClassHierarchyResolverOption.of(
              ClassHierarchyResolver.ofClassLoading(Inliner.class.getClassLoader())));
  private final Map<String, Map<String, CodeAttribute>> functions = new HashMap<>();

  /** The class file of {@code template} without calls of inlined functions. */
  static byte[] classFile(Class<?> template) {
    String name = template.getName();
    return new Inliner().inline(name.substring(name.lastIndexOf('.') + 1));
  }

  private byte[] inline(String template) {
    ClassModel model = parse(template);
    return classFile.transformClass(
        model,
        ClassTransform.dropping(e -> e instanceof MethodModel method && isInlined(method))
            .andThen(
                (builder, element) -> {
                  if (element instanceof MethodModel method && method.code().isPresent()) {
                    int locals = ((CodeAttribute) method.code().get()).maxLocals();
                    CodeTransform calls =
                        (code, e) -> {
                          if (!expand(code, e, locals)) {
                            code.with(e);
                          }
                        };
                    builder.transformMethod(method, MethodTransform.transformingCode(calls));
                  } else {
                    builder.with(element);
                  }
                }));
  }

  /**
   * Writes the body of the function that {@code element} calls; false if it calls none.
   *
   * @param locals the first local variable that is free
   */
  private boolean expand(CodeBuilder code, CodeElement element, int locals) {
    if (!(element instanceof InvokeInstruction call) || call.opcode() != Opcode.INVOKESTATIC) {
      return false;
    }
    CodeAttribute body = function(call.method());
    if (body == null) {
      return false;
    }
    MethodTypeDesc type = call.typeSymbol();
    int slot = locals;
    for (int i = 0; i < type.parameterCount(); i++) {
      slot += TypeKind.from(type.parameterType(i)).slotSize();
    }
    for (int i = type.parameterCount() - 1; i >= 0; i--) {
      TypeKind kind = TypeKind.from(type.parameterType(i));
      slot -= kind.slotSize();
      code.storeLocal(kind, slot);
    }
    List<CodeElement> elements = body.elementList();
    int last = elements.size() - 1;
    while (!(elements.get(last) instanceof Instruction)) {
      last--;
    }
    Label end = code.newLabel();
    Map<Label, Label> labels = new HashMap<>();
    for (int i = 0; i < elements.size(); i++) {
      copy(code, elements.get(i), locals, locals + body.maxLocals(), i == last, end, labels);
    }
    code.labelBinding(end);
    return true;
  }

  private void copy(
      CodeBuilder code,
      CodeElement element,
      int shift,
      int locals,
      boolean last,
      Label end,
      Map<Label, Label> labels) {
    switch (element) {
      case LoadInstruction e -> code.loadLocal(e.typeKind(), e.slot() + shift);
      case StoreInstruction e -> code.storeLocal(e.typeKind(), e.slot() + shift);
      case IncrementInstruction e -> code.iinc(e.slot() + shift, e.constant());
      case BranchInstruction e ->
          code.branch(e.opcode(), labels.computeIfAbsent(e.target(), l -> code.newLabel()));
      case LabelTarget e ->
          code.labelBinding(labels.computeIfAbsent(e.label(), l -> code.newLabel()));
      case ReturnInstruction e -> {
        if (!last) {
          code.goto_(end);
        }
      }
      case TableSwitchInstruction e -> throw new AssertionError("an inlined function switches");
      case LookupSwitchInstruction e -> throw new AssertionError("an inlined function switches");
      case ExceptionCatch e -> throw new AssertionError("an inlined function catches");
      case LineNumber e -> {} // of another file
      case PseudoInstruction e -> {} // names of local variables
      default -> {
        if (!expand(code, element, locals)) {
          code.with(element);
        }
      }
    }
  }

  private CodeAttribute function(MemberRefEntry method) {
    String owner = method.owner().asInternalName();
    if (!owner.startsWith(PACKAGE)) {
      return null;
    }
    return functions
        .computeIfAbsent(owner.substring(PACKAGE.length()), this::functions)
        .get(method.name().stringValue() + method.type().stringValue());
  }

  private Map<String, CodeAttribute> functions(String simpleName) {
    Map<String, CodeAttribute> found = new HashMap<>();
    for (MethodModel method : parse(simpleName).methods()) {
      if (isInlined(method)) {
        found.put(
            method.methodName().stringValue() + method.methodType().stringValue(),
            (CodeAttribute) method.code().orElseThrow());
      }
    }
    return found;
  }

  private static boolean isInlined(MethodModel method) {
    return method
        .findAttribute(Attributes.runtimeInvisibleAnnotations())
        .map(
            attribute ->
                attribute.annotations().stream()
                    .anyMatch(a -> a.className().stringValue().equals(INLINED)))
        .orElse(false);
  }

  private ClassModel parse(String simpleName) {
    try (InputStream in = Inliner.class.getResourceAsStream(simpleName + ".class")) {
      return classFile.parse(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
